import CVectors

/// One register of a vector.
struct Register<S: RegisterScalar> {
    let lanes: S.Lanes

    @inline(__always)
    init(_ lanes: S.Lanes) { self.lanes = lanes }

    @inline(__always)
    init(repeating scalar: S) { lanes = S.Lanes(repeating: scalar) }

    @inline(__always)
    init(_ pointer: UnsafePointer<S>) { lanes = UnsafeRawPointer(pointer).loadUnaligned(as: S.Lanes.self) }

    @inline(__always)
    func store(_ pointer: UnsafeMutablePointer<S>) {
        UnsafeMutableRawPointer(pointer).storeBytes(of: lanes, as: S.Lanes.self)
    }

    @inline(__always)
    static var zero: Self { Self(.zero) }

    @inline(__always)
    static func + (x: Self, y: Self) -> Self { Self(S.add(x.lanes, y.lanes)) }

    @inline(__always)
    static func - (x: Self, y: Self) -> Self { Self(S.subtract(x.lanes, y.lanes)) }

    @inline(__always)
    static func * (x: Self, y: Self) -> Self { Self(S.multiply(x.lanes, y.lanes)) }

    @inline(__always)
    static prefix func - (x: Self) -> Self { Self(S.negate(x.lanes)) }

    /// Zeros in place of the first `count` lanes.
    @inline(__always)
    func dropFirst(_ count: Int) -> Self { Self(S.dropFirst(count, lanes)) }

    /// The lanes in double, added up to one register.
    @inline(__always)
    var widenedSum: Register<Double> { Register<Double>(S.widenedSum(lanes)) }

    /// The sum of all lanes, added in double.
    @inline(__always)
    var total: Double { cvectors_total(S.widenedSum(lanes)) }

    #if PULLPUSH_FMA
    /// Four totals.
    @inline(__always)
    static func totals(_ a: Self, _ b: Self, _ c: Self, _ d: Self) -> Register<Double> {
        Register<Double>(S.totals(a.lanes, b.lanes, c.lanes, d.lanes))
    }
    #endif
}

/// `x·y + z`
@inline(__always)
func multiplyAdd<S: RegisterScalar>(_ x: Register<S>, _ y: Register<S>, _ z: Register<S>) -> Register<S> {
    Register(S.multiplyAdd(x.lanes, y.lanes, z.lanes))
}

/// One register's worth of columns, of what is left after whole blocks. Where that is no multiple of the lanes, the last
/// vector reaches back over columns already seen, so that every load and store is whole; what sums over columns must drop
/// the seen lanes.
struct Columns<S: RegisterScalar> {
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
    func load(_ row: UnsafePointer<S>) -> Register<S> { Register(row + offset) }

    @inline(__always)
    func store(_ register: Register<S>, _ row: UnsafeMutablePointer<S>) { register.store(row + offset) }

    @inline(__always)
    func unseen(_ register: Register<S>) -> Register<S> { seen == 0 ? register : register.dropFirst(seen) }
}
