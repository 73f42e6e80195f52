import CSystem

/// Why a call was refused. The features, the gradient and every other buffer of the caller are as they were.
public struct PullPushError: Error, Sendable {
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
    /// The argument's name, in the words of the C header.
    public let argument: StaticString
    public let value: Value
    /// What would have been right.
    public let expectation: StaticString
    /// A number that ends the expectation, such as the divisor or the limit.
    public let bound: Int?

    package init(
        _ code: Code, _ argument: StaticString, _ value: Value, expected expectation: StaticString, _ bound: Int? = nil
    ) {
        self.code = code
        self.argument = argument
        self.value = value
        self.expectation = expectation
        self.bound = bound
    }

    /// Writes a sentence with a NUL at its end, cut to the capacity.
    package func write(to buffer: UnsafeMutablePointer<CChar>, capacity: Int) {
        var text = TextBuffer(start: buffer, capacity: capacity)
        switch value {
        case .badRow(let row):
            text.append("row ")
            text.append(row)
            text.append(" of ")
            text.append(argument)
            text.append(" holds a NaN or an infinity")
        case .null:
            text.append(argument)
            text.append(" is NULL")
        case .integer(let number):
            text.append(argument)
            text.append(" is ")
            text.append(number)
        case .real(let number):
            text.append(argument)
            text.append(" is ")
            text.append(number)
        case .bytes(let count):
            text.append(argument)
            text.append(": ")
            text.append(count)
            text.append(" bytes could not be allocated")
        case .unspecified:
            text.append(argument)
        }
        text.append(": expected ")
        text.append(expectation)
        if let bound {
            text.append(" ")
            text.append(bound)
        }
    }
}

/// Text of limited length in memory that the caller owns.
private struct TextBuffer {
    let start: UnsafeMutablePointer<CChar>
    let capacity: Int
    private var length = 0

    init(start: UnsafeMutablePointer<CChar>, capacity: Int) {
        self.start = start
        self.capacity = capacity
        if capacity > 0 { start[0] = 0 }
    }

    private var room: Int { capacity - length }

    mutating func append(_ text: StaticString) {
        let count = max(0, min(text.utf8CodeUnitCount, room - 1))
        memcpy(start + length, text.utf8Start, count)
        length += count
        if room > 0 { start[length] = 0 }
    }

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
