/// Compute scalars in 64 bytes. Vectors of compute scalars that kernels share are padded with zeros to a multiple of it,
/// and rows shorter than that are copied, so that no loop meets less than one of its vectors.
public let lanesOfFloat = 16
public let lanesOfDouble = 8

/// The type of a stored number. Float16 and bfloat16 are computed in float32.
public enum ElementType: Int32, Sendable {
    case float32 = 1
    case float64 = 2
    case float16 = 3
    case bfloat16 = 4

    @inlinable @inline(__always)
    public var size: Int {
        switch self {
        case .float32: 4
        case .float64: 8
        case .float16, .bfloat16: 2
        }
    }

    @inlinable @inline(__always)
    public var computesInDouble: Bool { self == .float64 }
    @inlinable @inline(__always)
    public var computeSize: Int { computesInDouble ? 8 : 4 }
    @inlinable @inline(__always)
    public var lanes: Int { computesInDouble ? lanesOfDouble : lanesOfFloat }

    /// Writes zeros to the compute scalars `first ..< end` of a vector.
    @inlinable
    public func clear(_ vector: UnsafeMutableRawPointer, from first: Int, to end: Int) {
        if first == end { return }
        (vector + first &* computeSize).initializeMemory(
            as: UInt8.self, repeating: 0, count: (end &- first) &* computeSize)
    }

    /// The least multiple of the lanes that holds `count` compute scalars.
    @inlinable @inline(__always)
    public func padded(_ count: Int) -> Int { (count &+ lanes &- 1) & ~(lanes &- 1) }
}
