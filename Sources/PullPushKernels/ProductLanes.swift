import CVectors

/// A type that matrices are multiplied in.
protocol ProductScalar: PaddedScalar {
    /// Columns come in whole multiples of this: two registers, or one of 64 bytes.
    associatedtype ProductLanes: SIMD where ProductLanes.Scalar == Self

    static func add(_ x: ProductLanes, _ y: ProductLanes) -> ProductLanes
    /// `x·y + z`
    static func multiplyAdd(_ x: ProductLanes, _ y: ProductLanes, _ z: ProductLanes) -> ProductLanes
}

#if PULLPUSH_FMA
extension Float: ProductScalar { typealias ProductLanes = SIMD16<Float> }
extension Double: ProductScalar { typealias ProductLanes = SIMD8<Double> }
#else
extension Float: ProductScalar { typealias ProductLanes = SIMD8<Float> }
extension Double: ProductScalar { typealias ProductLanes = SIMD4<Double> }
#endif

#if !PULLPUSH_AVX512
// Else a vector is a register, and can that already.
extension Float {
    @inline(__always)
    static func add(_ x: ProductLanes, _ y: ProductLanes) -> ProductLanes { cvectors_add(x, y) }

    @inline(__always)
    static func multiplyAdd(_ x: ProductLanes, _ y: ProductLanes, _ z: ProductLanes) -> ProductLanes {
        cvectors_multiply_add(x, y, z)
    }
}
#endif

extension Double {
    @inline(__always)
    static func add(_ x: ProductLanes, _ y: ProductLanes) -> ProductLanes { cvectors_add(x, y) }

    @inline(__always)
    static func multiplyAdd(_ x: ProductLanes, _ y: ProductLanes, _ z: ProductLanes) -> ProductLanes {
        cvectors_multiply_add(x, y, z)
    }
}
