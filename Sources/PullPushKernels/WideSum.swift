/// A sum over columns in double. That of doubles is cut, see `mostColumns`.
struct WideSum<S: RegisterScalar> {
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
