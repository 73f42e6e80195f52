import KernelInterface

#if hasFeature(Embedded)
typealias LaneScalar = SIMDScalar & SendableMetatype
#else
/// Vectors of the whole standard library are codable, which asks the same of their scalars.
typealias LaneScalar = SIMDScalar & SendableMetatype & Codable
#endif

/// A type that kernels compute in.
protocol PaddedScalar: BinaryFloatingPoint, LaneScalar {}

extension PaddedScalar {
    /// Vectors that kernels share have zeros up to a multiple of this.
    @inline(__always)
    private static var padding: Int { self == Double.self ? lanesOfDouble : lanesOfFloat }

    /// The least multiple of `padding` that holds `count`.
    @inline(__always)
    static func padded(_ count: Int) -> Int { (count &+ padding &- 1) & ~(padding &- 1) }
}
