import KernelInterface

/// Four registers of columns: what a step of a loop takes, so that little of its time goes to the loop itself. (The wider
/// types of the standard library are worked on lane by lane.)
struct Block<S: ComputeScalar> {
    typealias Lanes = S.Lanes

    var a: Lanes
    var b: Lanes
    var c: Lanes
    var d: Lanes

    @inline(__always)
    static var count: Int { 4 &* S.laneCount }

    @inline(__always)
    static var zero: Self { Self(a: .zero, b: .zero, c: .zero, d: .zero) }

    @inline(__always)
    init(a: Lanes, b: Lanes, c: Lanes, d: Lanes) {
        self.a = a
        self.b = b
        self.c = c
        self.d = d
    }

    @inline(__always)
    init(_ pointer: UnsafePointer<S>) {
        a = loadLanes(pointer)
        b = loadLanes(pointer + S.laneCount)
        c = loadLanes(pointer + 2 &* S.laneCount)
        d = loadLanes(pointer + 3 &* S.laneCount)
    }

    @inline(__always)
    func forEach(_ body: (_ offset: Int, Lanes) -> Void) {
        body(0, a)
        body(S.laneCount, b)
        body(2 &* S.laneCount, c)
        body(3 &* S.laneCount, d)
    }

    @inline(__always)
    func store(_ pointer: UnsafeMutablePointer<S>) { forEach { storeLanes($1, pointer + $0) } }

    /// The sum of the four registers.
    @inline(__always)
    var folded: Lanes { (a + b) + (c + d) }

    @inline(__always)
    static func + (x: Self, y: Self) -> Self { Self(a: x.a + y.a, b: x.b + y.b, c: x.c + y.c, d: x.d + y.d) }

    @inline(__always)
    static func - (x: Self, y: Self) -> Self { Self(a: x.a - y.a, b: x.b - y.b, c: x.c - y.c, d: x.d - y.d) }

    @inline(__always)
    static func * (x: Self, y: Lanes) -> Self { Self(a: x.a * y, b: x.b * y, c: x.c * y, d: x.d * y) }
}

/// `x·y + z`
@inline(__always)
func multiplyAdd<S: ComputeScalar>(_ x: Block<S>, _ y: Block<S>, _ z: Block<S>) -> Block<S> {
    Block(
        a: multiplyAdd(x.a, y.a, z.a), b: multiplyAdd(x.b, y.b, z.b), c: multiplyAdd(x.c, y.c, z.c),
        d: multiplyAdd(x.d, y.d, z.d))
}

@inline(__always)
func multiplyAdd<S: ComputeScalar>(_ x: Block<S>, _ y: S.Lanes, _ z: Block<S>) -> Block<S> {
    Block(
        a: multiplyAdd(x.a, y, z.a), b: multiplyAdd(x.b, y, z.b), c: multiplyAdd(x.c, y, z.c),
        d: multiplyAdd(x.d, y, z.d))
}

/// A sum of squares in double. Two chains of additions, for one would wait for itself.
struct SquareSum<S: ComputeScalar> {
    private var even = S.Sums.zero
    private var odd = S.Sums.zero

    @inline(__always)
    init() {}

    @inline(__always)
    mutating func add(_ lanes: S.Lanes) { S.addSquares(of: lanes, to: &even) }

    @inline(__always)
    mutating func add(_ block: Block<S>) {
        S.addSquares(of: block.a, to: &even)
        S.addSquares(of: block.b, to: &odd)
        S.addSquares(of: block.c, to: &even)
        S.addSquares(of: block.d, to: &odd)
    }

    @inline(__always)
    var total: Double { S.total(even + odd) }
}
