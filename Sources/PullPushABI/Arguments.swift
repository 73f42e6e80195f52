import CPullPush
import PullPush

/// Runs a call and turns what it throws into a status and a message.
func status(
    _ message: UnsafeMutablePointer<CChar>? = nil, _ messageSize: Int = 0,
    _ body: () throws(PullPushError) -> Void
) -> Int32 {
    do throws(PullPushError) {
        try body()
        if let message, messageSize > 0 { message[0] = 0 }
        return Int32(PULLPUSH_OK)
    } catch {
        if let message { error.write(to: message, capacity: messageSize) }
        return error.code.rawValue
    }
}

func required<T>(_ pointer: T?, _ name: StaticString) throws(PullPushError) -> T {
    guard let pointer else { throw PullPushError(.null, name, .null, expected: "a pointer") }
    return pointer
}

/// A C size as the signed integers that Swift counts with.
func size(_ value: Int, _ name: StaticString) throws(PullPushError) -> Int {
    // size_t arrives as Int; what does not fit has become negative.
    if value < 0 { throw PullPushError(.size, name, .unspecified, expected: "a size below", Int.max) }
    return value
}

/// The bytes of the header's structs in version 0.1.0, which every caller has. They never change.
enum SmallestSize {
    static var batch: Int { 64 }
    static var options: Int { 88 }
    static var result: Int { 72 }
}

/// How many bytes of a caller's struct, no shorter than the smallest, this library knows. Said so, it is a constant as
/// long as no struct has grown.
@inline(__always)
func knownBytes(of given: Int, smallest: Int, _ size: Int) -> Int { min(max(given, smallest), size) }

/// Copies a versioned struct whose first field is its size. Fields beyond an older caller's struct keep the values in
/// `defaults`; fields this library does not know must be zero.
@inline(__always)
func versioned<T: BitwiseCopyable>(
    _ pointer: UnsafePointer<T>, _ name: StaticString, defaults: T, smallest: Int
) throws(PullPushError) -> T {
    let raw = UnsafeRawPointer(pointer)
    try checkAlignment(raw, MemoryLayout<T>.alignment, name)
    let given = raw.load(as: Int.self)
    if given < smallest || given > 65536 {
        throw PullPushError(.structSize, name, .integer(given), expected: "its size in bytes, at least", smallest)
    }
    let known = MemoryLayout<T>.size
    for byte in min(given, known)..<given where raw.load(fromByteOffset: byte, as: UInt8.self) != 0 {
        throw PullPushError(
            .structSize, name, .integer(given), expected: "zeros in the fields unknown to this version, after byte",
            known)
    }
    var result = defaults
    withUnsafeMutableBytes(of: &result) {
        $0.copyMemory(from: UnsafeRawBufferPointer(start: raw, count: knownBytes(of: given, smallest: smallest, known)))
    }
    return result
}

/// The enum case with a C value.
@inline(__always)
func option<E: RawRepresentable>(
    _ value: Int32, _ name: StaticString, _: E.Type = E.self
) throws(PullPushError) -> E where E.RawValue == Int32 {
    if let result = E(rawValue: value) { return result }
    throw unknownOption(value, name)
}

@inline(never)
private func unknownOption(_ value: Int32, _ name: StaticString) -> PullPushError {
    PullPushError(.option, name, .integer(Int(value)), expected: "one of the PULLPUSH_ constants for this option")
}

func flag(_ value: Int32, _ name: StaticString) throws(PullPushError) -> Bool {
    if value != 0 && value != 1 {
        throw PullPushError(.option, name, .integer(Int(value)), expected: "0 or 1")
    }
    return value == 1
}
