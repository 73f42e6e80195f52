import CVectors
import KernelInterface

/// A type with registers, and what is done with whole ones. `Register` makes operators of that.
protocol RegisterScalar: PaddedScalar {
    /// One register.
    associatedtype Lanes: SIMD where Lanes.Scalar == Self

    static func add(_ x: Lanes, _ y: Lanes) -> Lanes
    static func subtract(_ x: Lanes, _ y: Lanes) -> Lanes
    static func multiply(_ x: Lanes, _ y: Lanes) -> Lanes
    static func negate(_ lanes: Lanes) -> Lanes
    /// `x·y + z`
    static func multiplyAdd(_ x: Lanes, _ y: Lanes, _ z: Lanes) -> Lanes
    /// The lanes with zeros in place of the first `count`.
    static func dropFirst(_ count: Int, _ lanes: Lanes) -> Lanes
    /// The lanes in double, added up to one register.
    static func widenedSum(_ lanes: Lanes) -> Double.Lanes
    #if PULLPUSH_FMA
    /// The sums of all lanes of four registers, the last additions in double.
    static func totals(_ a: Lanes, _ b: Lanes, _ c: Lanes, _ d: Lanes) -> Double.Lanes
    /// Stores four numbers as scalars.
    static func store(_ four: Double.Lanes, to scalars: UnsafeMutablePointer<Self>)
    #endif
}

extension RegisterScalar {
    @inline(__always)
    static var laneCount: Int { Lanes.scalarCount }

    /// Sums in the compute type are cut at so many columns, a power of two, for their rounding grows with the number of
    /// additions, most where many numbers are equal: 16 a lane of float, 512 of double.
    @inline(__always)
    static var mostColumns: Int { (self == Double.self ? 512 : 16) &* laneCount }
}

#if PULLPUSH_AVX512
extension Float: RegisterScalar { typealias Lanes = SIMD16<Float> }
#elseif PULLPUSH_FMA
extension Float: RegisterScalar { typealias Lanes = SIMD8<Float> }
#else
extension Float: RegisterScalar { typealias Lanes = SIMD4<Float> }
#endif

#if PULLPUSH_FMA
extension Double: RegisterScalar { typealias Lanes = SIMD4<Double> }
#else
extension Double: RegisterScalar { typealias Lanes = SIMD2<Double> }
#endif

#if PULLPUSH_FMA
extension Float {
    @inline(__always)
    static func store(_ four: Double.Lanes, to scalars: UnsafeMutablePointer<Float>) {
        UnsafeMutableRawPointer(scalars).storeBytes(of: cvectors_narrow(four), as: SIMD4<Float>.self)
    }
}

extension Double {
    @inline(__always)
    static func store(_ four: Lanes, to scalars: UnsafeMutablePointer<Double>) { Register(four).store(scalars) }
}
#endif

// What is the same for both, but for the C functions' types.

extension Float {
    @inline(__always)
    static func add(_ x: Lanes, _ y: Lanes) -> Lanes { cvectors_add(x, y) }

    @inline(__always)
    static func subtract(_ x: Lanes, _ y: Lanes) -> Lanes { cvectors_subtract(x, y) }

    @inline(__always)
    static func multiply(_ x: Lanes, _ y: Lanes) -> Lanes { cvectors_multiply(x, y) }

    @inline(__always)
    static func negate(_ lanes: Lanes) -> Lanes { cvectors_negate(lanes) }

    @inline(__always)
    static func multiplyAdd(_ x: Lanes, _ y: Lanes, _ z: Lanes) -> Lanes { cvectors_multiply_add(x, y, z) }

    @inline(__always)
    static func dropFirst(_ count: Int, _ lanes: Lanes) -> Lanes { cvectors_drop_first(lanes, count) }

    @inline(__always)
    static func widenedSum(_ lanes: Lanes) -> Double.Lanes { cvectors_widened_sum(lanes) }

    #if PULLPUSH_FMA
    @inline(__always)
    static func totals(_ a: Lanes, _ b: Lanes, _ c: Lanes, _ d: Lanes) -> Double.Lanes { cvectors_totals(a, b, c, d) }
    #endif
}

extension Double {
    @inline(__always)
    static func add(_ x: Lanes, _ y: Lanes) -> Lanes { cvectors_add(x, y) }

    @inline(__always)
    static func subtract(_ x: Lanes, _ y: Lanes) -> Lanes { cvectors_subtract(x, y) }

    @inline(__always)
    static func multiply(_ x: Lanes, _ y: Lanes) -> Lanes { cvectors_multiply(x, y) }

    @inline(__always)
    static func negate(_ lanes: Lanes) -> Lanes { cvectors_negate(lanes) }

    @inline(__always)
    static func multiplyAdd(_ x: Lanes, _ y: Lanes, _ z: Lanes) -> Lanes { cvectors_multiply_add(x, y, z) }

    @inline(__always)
    static func dropFirst(_ count: Int, _ lanes: Lanes) -> Lanes { cvectors_drop_first(lanes, count) }

    @inline(__always)
    static func widenedSum(_ lanes: Lanes) -> Double.Lanes { cvectors_widened_sum(lanes) }

    #if PULLPUSH_FMA
    @inline(__always)
    static func totals(_ a: Lanes, _ b: Lanes, _ c: Lanes, _ d: Lanes) -> Double.Lanes { cvectors_totals(a, b, c, d) }
    #endif
}
