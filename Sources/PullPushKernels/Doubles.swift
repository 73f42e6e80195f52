import CVectors
import KernelInterface

/// A type the loops compute in: its registers also come from doubles and go to them.
protocol ComputeScalar: RegisterScalar {
    /// As many doubles as there are lanes, from two registers on or in one.
    static func narrow(_ doubles: UnsafePointer<Double>) -> Lanes
    /// Adds every lane to one of the doubles at `sums`.
    static func add(_ lanes: Lanes, to sums: UnsafeMutablePointer<Double>)
    /// The lanes in double, added up to one register.
    static func widenedSum(_ lanes: Lanes) -> Double.Lanes
    #if PULLPUSH_FMA
    /// A register of each of four numbers.
    static func spread(_ four: Double.Lanes) -> FourRegisters
    #endif
    /// The lanes of `chosen` where `lanes` is above zero, or NaN; else zero.
    static func wherePositive(_ lanes: Lanes, _ chosen: Lanes) -> Lanes
    /// Stores past the caches, to a multiple of 16 bytes.
    static func stream(_ lanes: Lanes, _ pointer: UnsafeMutablePointer<Self>)
}

extension ComputeScalar {
    typealias FourRegisters = (Register<Self>, Register<Self>, Register<Self>, Register<Self>)
}

extension Register where S: ComputeScalar {
    /// The lanes in double, added up to one register.
    @inline(__always)
    var widenedSum: Register<Double> { Register<Double>(S.widenedSum(lanes)) }

    /// The sum of all lanes, added in double.
    @inline(__always)
    var total: Double { cvectors_total(S.widenedSum(lanes)) }

    /// Stores past the caches, to a multiple of 16 bytes.
    @inline(__always)
    func stream(_ pointer: UnsafeMutablePointer<S>) { S.stream(lanes, pointer) }

    /// Zeros where this is not above zero, or NaN.
    @inline(__always)
    func wherePositive(_ chosen: Self) -> Self { Self(S.wherePositive(lanes, chosen.lanes)) }
}

/// A sum over columns in double. That of doubles is cut, see `mostColumns`.
struct WideSum<S: ComputeScalar> {
    private var sums = Register<Double>.zero
    private var totals = Register<Double>.zero

    @inline(__always)
    init() {}

    @inline(__always)
    mutating func add(_ lanes: Register<S>, at column: Int) {
        if S.self == Double.self && column & (S.mostColumns &- 1) == 0 {
            totals = totals + sums
            sums = .zero
        }
        sums = sums + lanes.widenedSum
    }

    @inline(__always)
    var total: Double { (totals + sums).total }
}

extension Float: ComputeScalar {
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

    #if PULLPUSH_FMA
    @inline(__always)
    static func spread(_ four: Double.Lanes) -> FourRegisters {
        let v = cvectors_narrow(four)
        return (Register(repeating: v.x), Register(repeating: v.y), Register(repeating: v.z), Register(repeating: v.w))
    }
    #endif

    @inline(__always)
    static func wherePositive(_ lanes: Lanes, _ chosen: Lanes) -> Lanes { cvectors_where_positive(lanes, chosen) }

    @inline(__always)
    static func stream(_ lanes: Lanes, _ pointer: UnsafeMutablePointer<Self>) { cvectors_stream(lanes, pointer) }
}

extension Double: ComputeScalar {
    @inline(__always)
    static func narrow(_ doubles: UnsafePointer<Double>) -> Lanes { Register(doubles).lanes }

    @inline(__always)
    static func add(_ lanes: Lanes, to sums: UnsafeMutablePointer<Double>) {
        (Register(UnsafePointer(sums)) + Register(lanes)).store(sums)
    }

    @inline(__always)
    static func widenedSum(_ lanes: Lanes) -> Lanes { lanes }

    #if PULLPUSH_FMA
    @inline(__always)
    static func spread(_ v: Lanes) -> FourRegisters {
        (Register(repeating: v.x), Register(repeating: v.y), Register(repeating: v.z), Register(repeating: v.w))
    }
    #endif

    @inline(__always)
    static func wherePositive(_ lanes: Lanes, _ chosen: Lanes) -> Lanes { cvectors_where_positive(lanes, chosen) }

    @inline(__always)
    static func stream(_ lanes: Lanes, _ pointer: UnsafeMutablePointer<Self>) { cvectors_stream(lanes, pointer) }
}
