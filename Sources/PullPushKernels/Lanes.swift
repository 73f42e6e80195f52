import CVectors
import KernelInterface

/// A type the loops compute in, and what they do with whole vectors of it. `Register` and `Pair` make operators of that.
protocol ComputeScalar: PaddedScalar {
    /// One register.
    associatedtype Lanes: SIMD where Lanes.Scalar == Self

    static func add(_ x: Lanes, _ y: Lanes) -> Lanes
    static func subtract(_ x: Lanes, _ y: Lanes) -> Lanes
    static func multiply(_ x: Lanes, _ y: Lanes) -> Lanes
    static func negate(_ lanes: Lanes) -> Lanes
    /// `x·y + z`
    static func multiplyAdd(_ x: Lanes, _ y: Lanes, _ z: Lanes) -> Lanes

    /// As many doubles as there are lanes, from two registers on or in one.
    static func narrow(_ doubles: UnsafePointer<Double>) -> Lanes
    /// Adds every lane to one of the doubles at `sums`.
    static func add(_ lanes: Lanes, to sums: UnsafeMutablePointer<Double>)
    /// The lanes in double, added up to one register.
    static func widenedSum(_ lanes: Lanes) -> Double.Lanes
    /// `sums` and the squares of the lanes, taken in double.
    static func addSquares(of lanes: Lanes, to sums: Double.Lanes) -> Double.Lanes
    #if PULLPUSH_FMA
    /// The sums of all lanes of four registers, the last additions in double.
    static func totals(_ a: Lanes, _ b: Lanes, _ c: Lanes, _ d: Lanes) -> Double.Lanes
    /// Stores four numbers as scalars.
    static func store(_ four: Double.Lanes, to scalars: UnsafeMutablePointer<Self>)
    /// A register of each of four numbers.
    static func spread(_ four: Double.Lanes) -> FourRegisters
    #endif
    /// The lanes with zeros in place of the first `count`.
    static func dropFirst(_ count: Int, _ lanes: Lanes) -> Lanes
    /// The lanes of `chosen` where `lanes` is above zero, or NaN; else zero.
    static func wherePositive(_ lanes: Lanes, _ chosen: Lanes) -> Lanes
    /// Stores past the caches, to a multiple of 16 bytes.
    static func stream(_ lanes: Lanes, _ pointer: UnsafeMutablePointer<Self>)
}

extension ComputeScalar {
    typealias FourRegisters = (Register<Self>, Register<Self>, Register<Self>, Register<Self>)

    @inline(__always)
    static var laneCount: Int { Lanes.scalarCount }
}

#if PULLPUSH_FMA
extension Float: ComputeScalar {
    typealias Lanes = SIMD8<Float>
}

extension Double: ComputeScalar {
    typealias Lanes = SIMD4<Double>
}
#else
extension Float: ComputeScalar {
    typealias Lanes = SIMD4<Float>
}

extension Double: ComputeScalar {
    typealias Lanes = SIMD2<Double>
}
#endif

extension Float {
    @inline(__always)
    static func narrow(_ doubles: UnsafePointer<Double>) -> Lanes {
        cvectors_narrow(Register(doubles).lanes, Register(doubles + Double.laneCount).lanes)
    }

    @inline(__always)
    static func add(_ lanes: Lanes, to sums: UnsafeMutablePointer<Double>) {
        Double.add(cvectors_widen_low(lanes), to: sums)
        Double.add(cvectors_widen_high(lanes), to: sums + Double.laneCount)
    }

    @inline(__always)
    static func widenedSum(_ lanes: Lanes) -> Double.Lanes {
        Double.add(cvectors_widen_low(lanes), cvectors_widen_high(lanes))
    }

    @inline(__always)
    static func addSquares(of lanes: Lanes, to sums: Double.Lanes) -> Double.Lanes {
        Double.addSquares(
            of: cvectors_widen_high(lanes), to: Double.addSquares(of: cvectors_widen_low(lanes), to: sums))
    }

    #if PULLPUSH_FMA
    @inline(__always)
    static func store(_ four: Double.Lanes, to scalars: UnsafeMutablePointer<Float>) {
        UnsafeMutableRawPointer(scalars).storeBytes(of: cvectors_narrow(four), as: SIMD4<Float>.self)
    }

    @inline(__always)
    static func spread(_ four: Double.Lanes) -> FourRegisters {
        let v = cvectors_narrow(four)
        return (Register(repeating: v.x), Register(repeating: v.y), Register(repeating: v.z), Register(repeating: v.w))
    }
    #endif
}

extension Double {
    @inline(__always)
    static func narrow(_ doubles: UnsafePointer<Double>) -> Lanes { Register(doubles).lanes }

    @inline(__always)
    static func add(_ lanes: Lanes, to sums: UnsafeMutablePointer<Double>) {
        (Register(UnsafePointer(sums)) + Register(lanes)).store(sums)
    }

    @inline(__always)
    static func widenedSum(_ lanes: Lanes) -> Lanes { lanes }

    @inline(__always)
    static func addSquares(of lanes: Lanes, to sums: Lanes) -> Lanes { multiplyAdd(lanes, lanes, sums) }

    #if PULLPUSH_FMA
    @inline(__always)
    static func store(_ four: Lanes, to scalars: UnsafeMutablePointer<Double>) { Register(four).store(scalars) }

    @inline(__always)
    static func spread(_ v: Lanes) -> FourRegisters {
        (Register(repeating: v.x), Register(repeating: v.y), Register(repeating: v.z), Register(repeating: v.w))
    }
    #endif
}

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
    static func wherePositive(_ lanes: Lanes, _ chosen: Lanes) -> Lanes { cvectors_where_positive(lanes, chosen) }

    @inline(__always)
    static func stream(_ lanes: Lanes, _ pointer: UnsafeMutablePointer<Self>) { cvectors_stream(lanes, pointer) }

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
    static func wherePositive(_ lanes: Lanes, _ chosen: Lanes) -> Lanes { cvectors_where_positive(lanes, chosen) }

    @inline(__always)
    static func stream(_ lanes: Lanes, _ pointer: UnsafeMutablePointer<Self>) { cvectors_stream(lanes, pointer) }

    #if PULLPUSH_FMA
    @inline(__always)
    static func totals(_ a: Lanes, _ b: Lanes, _ c: Lanes, _ d: Lanes) -> Double.Lanes { cvectors_totals(a, b, c, d) }
    #endif
}
