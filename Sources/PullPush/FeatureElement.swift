import KernelInterface

/// A number that features and gradients can be stored in.
public protocol FeatureElement: BitwiseCopyable, Sendable {
    /// The raw value of the C constant for this type, `PULLPUSH_DTYPE_*`.
    static var dtype: Int32 { get }
    /// The value zero.
    static var zeroElement: Self { get }
}

extension FeatureElement {
    /// The protocol is open to conformances that claim to be what they are not.
    static func element() throws(PullPushError) -> ElementType {
        guard let element = ElementType(rawValue: dtype), element.size == MemoryLayout<Self>.stride else {
            throw PullPushError(
                .dtype, "dtype", .integer(Int(dtype)), expected: "the PULLPUSH_DTYPE_ constant of an element of size",
                MemoryLayout<Self>.stride)
        }
        return element
    }
}

extension Float: FeatureElement {
    public static var dtype: Int32 { 1 }
    public static var zeroElement: Float { 0 }
}

extension Double: FeatureElement {
    public static var dtype: Int32 { 2 }
    public static var zeroElement: Double { 0 }
}

#if !(os(macOS) && arch(x86_64))
extension Float16: FeatureElement {
    public static var dtype: Int32 { 3 }
    public static var zeroElement: Float16 { 0 }
}
#endif

/// A bfloat16, the upper half of a float32, as its bits.
public struct BFloat16: FeatureElement, Equatable {
    public var bitPattern: UInt16

    public init(bitPattern: UInt16) { self.bitPattern = bitPattern }

    /// The nearest bfloat16, ties to even.
    public init(_ value: Float) {
        let bits = value.bitPattern
        if value.isNaN {
            bitPattern = UInt16(truncatingIfNeeded: bits >> 16) | 0x0040
        } else {
            bitPattern = UInt16(truncatingIfNeeded: (bits &+ 0x7FFF &+ ((bits >> 16) & 1)) >> 16)
        }
    }

    /// The value, which float32 holds exactly.
    public var float: Float { Float(bitPattern: UInt32(bitPattern) << 16) }

    public static var dtype: Int32 { 4 }
    public static var zeroElement: BFloat16 { BFloat16(bitPattern: 0) }
}
