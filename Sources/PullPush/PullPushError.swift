import CSystem

/// Why a call was refused. The features, the gradient and every other buffer of the caller are as they were.
public struct PullPushError: Error, @unchecked Sendable {
    /// What kind of argument was wrong; the raw values are the C status codes.
    public enum Code: Int32, Sendable {
        case null = 10
        case structSize = 20
        case dtype = 30
        case size = 40
        case stride = 50
        case alignment = 60
        case overlap = 70
        case option = 80
        case notFinite = 90
        case statistics = 100
        case memory = 110
    }

    /// What the argument was.
    public enum Value: Sendable {
        case null
        case integer(Int)
        case real(Double)
        /// A row of features with a NaN or an infinity.
        case badRow(Int)
        case bytes(Int)
        /// Said by the expectation.
        case unspecified
    }

    public let code: Code
    // Pointers and plain numbers rather than StaticString and Value: an error is built and passed on in many places, and
    // the small form is a good part of a small library.
    private let kind: Kind
    private let number: UInt64
    private let argumentText: UnsafePointer<CChar>
    private let expectationText: UnsafePointer<CChar>
    /// A number that ends the expectation, such as the divisor or the limit; `Int.min` stands for none.
    private let bound: Int

    private enum Kind: UInt8 { case null, integer, real, badRow, bytes, unspecified }

    @inline(never)
    package init(
        _ code: Code, _ argument: StaticString, _ value: Value, expected expectation: StaticString,
        _ bound: Int = .min
    ) {
        self.code = code
        argumentText = argument.cString
        expectationText = expectation.cString
        self.bound = bound
        switch value {
        case .null: (kind, number) = (.null, 0)
        case .integer(let value): (kind, number) = (.integer, UInt64(bitPattern: Int64(value)))
        case .real(let value): (kind, number) = (.real, value.bitPattern)
        case .badRow(let value): (kind, number) = (.badRow, UInt64(bitPattern: Int64(value)))
        case .bytes(let value): (kind, number) = (.bytes, UInt64(bitPattern: Int64(value)))
        case .unspecified: (kind, number) = (.unspecified, 0)
        }
    }

    /// What the argument was.
    public var value: Value {
        let integer = Int(Int64(bitPattern: number))
        switch kind {
        case .null: return .null
        case .integer: return .integer(integer)
        case .real: return .real(Double(bitPattern: number))
        case .badRow: return .badRow(integer)
        case .bytes: return .bytes(integer)
        case .unspecified: return .unspecified
        }
    }

    /// Writes a sentence with a NUL at its end, cut to the capacity.
    package func write(to buffer: UnsafeMutablePointer<CChar>, capacity: Int) {
        var text = TextBuffer(start: buffer, capacity: capacity)
        let integer = Int(Int64(bitPattern: number))
        if kind == .badRow {
            text.append(words("row "))
            text.append(integer)
            text.append(words(" of "))
        }
        text.append(argumentText)
        switch kind {
        case .null:
            text.append(words(" is NULL"))
        case .integer:
            text.append(words(" is "))
            text.append(integer)
        case .real:
            text.append(words(" is "))
            text.append(Double(bitPattern: number))
        case .badRow:
            text.append(words(" holds a NaN or an infinity"))
        case .bytes:
            text.append(words(": "))
            text.append(integer)
            text.append(words(" bytes could not be allocated"))
        case .unspecified:
            break
        }
        text.append(words(": expected "))
        text.append(expectationText)
        if bound != .min {
            text.append(words(" "))
            text.append(bound)
        }
    }
}

private func words(_ text: StaticString) -> UnsafePointer<CChar> { text.cString }

/// Text of limited length in memory that the caller owns.
private struct TextBuffer {
    let start: UnsafeMutablePointer<CChar>
    let capacity: Int
    private var length = 0

    init(start: UnsafeMutablePointer<CChar>, capacity: Int) {
        self.start = start
        self.capacity = capacity
    }

    private var room: Int { capacity - length }

    @inline(never)
    mutating func append(_ text: UnsafePointer<CChar>) {
        let count = max(0, min(strlen(text), room - 1))
        memcpy(start + length, text, count)
        length += count
        if room > 0 { start[length] = 0 }
    }

    @inline(never)
    mutating func append(_ number: Int) {
        advance(csystem_format_integer(start + length, room, Int64(number)))
    }

    mutating func append(_ number: Double) {
        advance(csystem_format_real(start + length, room, number))
    }

    private mutating func advance(_ written: Int32) { length += max(0, min(Int(written), room - 1)) }
}

#if !hasFeature(Embedded)
extension PullPushError: CustomStringConvertible {
    public var description: String {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: 512) { buffer in
            guard let start = buffer.baseAddress else { return "" }
            write(to: start, capacity: buffer.count)
            return String(cString: start)
        }
    }
}
#endif
