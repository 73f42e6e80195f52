import CVectors
import KernelInterface

/// A type the loops compute in: its registers also come from doubles and go to them.
protocol ComputeScalar: RegisterScalar {
    /// As many doubles as there are lanes, from two registers on or in one.
    static func narrow(_ doubles: UnsafePointer<Double>) -> Lanes
    /// Adds every lane to one of the doubles at `sums`.
    static func add(_ lanes: Lanes, to sums: UnsafeMutablePointer<Double>)
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
    /// Stores past the caches, to a multiple of 16 bytes.
    @inline(__always)
    func stream(_ pointer: UnsafeMutablePointer<S>) { S.stream(lanes, pointer) }

    /// Zeros where this is not above zero, or NaN.
    @inline(__always)
    func wherePositive(_ chosen: Self) -> Self { Self(S.wherePositive(lanes, chosen.lanes)) }
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
