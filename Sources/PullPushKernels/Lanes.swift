import CVectors
import KernelInterface

#if hasFeature(Embedded)
    typealias LaneScalar = SIMDScalar & SendableMetatype
#else
    /// Vectors of the whole standard library are codable, which asks the same of their scalars.
    typealias LaneScalar = SIMDScalar & SendableMetatype & Codable
#endif

/// A type the loops compute in, and the vectors of it that they take at a time.
protocol ComputeScalar: BinaryFloatingPoint, LaneScalar {
    /// One register.
    associatedtype Lanes: SIMD where Lanes.Scalar == Self
    /// Two registers, or all of a vector's padding.
    associatedtype Pair: SIMD where Pair.Scalar == Self
    associatedtype Sums: SIMD where Sums.Scalar == Double

    /// Adds every lane to one of the doubles at `sums`.
    static func add(_ lanes: Lanes, to sums: UnsafeMutablePointer<Double>)
    /// Adds the squares of the lanes, taken in double.
    static func addSquares(of lanes: Lanes, to sums: inout Sums)
    /// The sum of all lanes, added in double.
    static func total(_ lanes: Lanes) -> Double
    static func total(_ sums: Sums) -> Double
    /// As many doubles as there are lanes.
    static func narrow(_ doubles: UnsafePointer<Double>) -> Lanes
    /// The lanes with zeros in place of the first `count`.
    static func dropFirst(_ count: Int, _ lanes: Lanes) -> Lanes
    /// The lanes of `chosen` where `lanes` is above zero, or NaN; else zero.
    static func wherePositive(_ lanes: Lanes, _ chosen: Lanes) -> Lanes
    /// Stores past the caches, to a multiple of 16 bytes.
    static func stream(_ lanes: Lanes, _ pointer: UnsafeMutablePointer<Self>)
}

extension ComputeScalar {
    @inline(__always)
    static var laneCount: Int { Lanes.scalarCount }

    /// Vectors that kernels share have zeros up to a multiple of this.
    @inline(__always)
    private static var padding: Int { self == Double.self ? lanesOfDouble : lanesOfFloat }

    /// The least multiple of `padding` that holds `count`.
    @inline(__always)
    static func padded(_ count: Int) -> Int { (count &+ padding &- 1) & ~(padding &- 1) }
}

#if PULLPUSH_FMA
    extension Float: ComputeScalar {
        typealias Lanes = SIMD8<Float>
        typealias Pair = SIMD16<Float>
        typealias Sums = SIMD4<Double>
    }

    extension Double: ComputeScalar {
        typealias Lanes = SIMD4<Double>
        typealias Pair = SIMD8<Double>
        typealias Sums = SIMD4<Double>
    }
#else
    extension Float: ComputeScalar {
        typealias Lanes = SIMD4<Float>
        typealias Pair = SIMD8<Float>
        typealias Sums = SIMD2<Double>
    }

    extension Double: ComputeScalar {
        typealias Lanes = SIMD2<Double>
        typealias Pair = SIMD4<Double>
        typealias Sums = SIMD2<Double>
    }
#endif

extension Float {
    @inline(__always)
    static func add(_ lanes: Lanes, to sums: UnsafeMutablePointer<Double>) {
        Double.add(cvectors_widen(lanes.lowHalf), to: sums)
        Double.add(cvectors_widen(lanes.highHalf), to: sums + Sums.scalarCount)
    }

    @inline(__always)
    static func addSquares(of lanes: Lanes, to sums: inout Sums) {
        Double.addSquares(of: cvectors_widen(lanes.lowHalf), to: &sums)
        Double.addSquares(of: cvectors_widen(lanes.highHalf), to: &sums)
    }

    @inline(__always)
    static func total(_ lanes: Lanes) -> Double {
        total(cvectors_widen(lanes.lowHalf) + cvectors_widen(lanes.highHalf))
    }

    @inline(__always)
    static func total(_ sums: Sums) -> Double { horizontalSum(sums) }

    @inline(__always)
    static func narrow(_ doubles: UnsafePointer<Double>) -> Lanes {
        Lanes(
            lowHalf: cvectors_narrow(loadLanes(doubles)),
            highHalf: cvectors_narrow(loadLanes(doubles + Sums.scalarCount)))
    }

    @inline(__always)
    static func dropFirst(_ count: Int, _ lanes: Lanes) -> Lanes { cvectors_drop_first(lanes, count) }

    @inline(__always)
    static func wherePositive(_ lanes: Lanes, _ chosen: Lanes) -> Lanes { cvectors_where_positive(lanes, chosen) }

    @inline(__always)
    static func stream(_ lanes: Lanes, _ pointer: UnsafeMutablePointer<Self>) { cvectors_stream(lanes, pointer) }
}

extension Double {
    @inline(__always)
    static func add(_ lanes: Lanes, to sums: UnsafeMutablePointer<Double>) {
        storeLanes(loadLanes(UnsafePointer(sums)) + lanes, sums)
    }

    @inline(__always)
    static func addSquares(of lanes: Lanes, to sums: inout Sums) { sums = multiplyAdd(lanes, lanes, sums) }

    @inline(__always)
    static func total(_ lanes: Lanes) -> Double { horizontalSum(lanes) }

    @inline(__always)
    static func narrow(_ doubles: UnsafePointer<Double>) -> Lanes { loadLanes(doubles) }

    @inline(__always)
    static func dropFirst(_ count: Int, _ lanes: Lanes) -> Lanes { cvectors_drop_first(lanes, count) }

    @inline(__always)
    static func wherePositive(_ lanes: Lanes, _ chosen: Lanes) -> Lanes { cvectors_where_positive(lanes, chosen) }

    @inline(__always)
    static func stream(_ lanes: Lanes, _ pointer: UnsafeMutablePointer<Self>) { cvectors_stream(lanes, pointer) }
}

@inline(__always)
private func horizontalSum(_ v: SIMD4<Double>) -> Double { horizontalSum(v.lowHalf + v.highHalf) }
@inline(__always)
private func horizontalSum(_ v: SIMD2<Double>) -> Double { v.x + v.y }

/// `a·b + c`. Where the processor has no fused multiply-add, fusing would be a library call for every lane.
@inline(__always)
func multiplyAdd<L: SIMD>(_ a: L, _ b: L, _ c: L) -> L where L.Scalar: FloatingPoint {
    #if PULLPUSH_FMA
        return c.addingProduct(a, b)
    #else
        return a * b + c
    #endif
}

@inline(__always)
func loadLanes<S: ComputeScalar>(_ pointer: UnsafePointer<S>) -> S.Lanes {
    UnsafeRawPointer(pointer).loadUnaligned(as: S.Lanes.self)
}

@inline(__always)
func storeLanes<S: ComputeScalar>(_ lanes: S.Lanes, _ pointer: UnsafeMutablePointer<S>) {
    UnsafeMutableRawPointer(pointer).storeBytes(of: lanes, as: S.Lanes.self)
}

/// One register's worth of columns, of what is left after whole blocks. Where that is no multiple of the lanes, the last
/// vector reaches back over columns already seen, so that every load and store is whole; what sums over columns must drop
/// the seen lanes.
struct Columns<S: ComputeScalar> {
    /// The first column.
    let offset: Int
    /// Lanes at the front that the vector before has covered.
    let seen: Int

    /// - Parameters:
    ///   - next: the first column not yet covered
    ///   - count: at least as many as there are lanes
    @inline(__always)
    init(_ next: Int, of count: Int) {
        offset = min(next, count &- S.laneCount)
        seen = next &- offset
    }

    @inline(__always)
    func load(_ row: UnsafePointer<S>) -> S.Lanes { loadLanes(row + offset) }

    @inline(__always)
    func store(_ lanes: S.Lanes, _ row: UnsafeMutablePointer<S>) { storeLanes(lanes, row + offset) }

    @inline(__always)
    func unseen(_ lanes: S.Lanes) -> S.Lanes { seen == 0 ? lanes : S.dropFirst(seen, lanes) }
}
