import KernelInterface

/// Four registers of columns: what a step of a loop takes, so that little of its time goes to the loop itself. (The wider
/// types of the standard library are worked on lane by lane.)
struct Block<S: RegisterScalar> {
    typealias Lanes = Register<S>

    var a: Lanes
    var b: Lanes
    var c: Lanes
    var d: Lanes

    @inline(__always)
    static var count: Int { 4 &* S.laneCount }

    /// Whether blocks pay for their code.
    @inline(__always)
    static var isUsed: Bool {
        #if PULLPUSH_FMA && !PULLPUSH_AVX512
        return S.self == Float.self
        #else
        return false
        #endif
    }

    /// The columns of `count` that whole blocks cover.
    @inline(__always)
    static func columns(of count: Int) -> Int { isUsed ? count & ~(Self.count &- 1) : 0 }

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
        a = Register(pointer)
        b = Register(pointer + S.laneCount)
        c = Register(pointer + 2 &* S.laneCount)
        d = Register(pointer + 3 &* S.laneCount)
    }

    @inline(__always)
    func forEach(_ body: (_ offset: Int, Lanes) -> Void) {
        body(0, a)
        body(S.laneCount, b)
        body(2 &* S.laneCount, c)
        body(3 &* S.laneCount, d)
    }

    @inline(__always)
    func store(_ pointer: UnsafeMutablePointer<S>) { forEach { $1.store(pointer + $0) } }

    /// The sum of the four registers.
    @inline(__always)
    var folded: Lanes { (a + b) + (c + d) }

    /// The products of all lanes with another block's, four in a lane.
    @inline(__always)
    func dot(_ other: Self) -> Lanes {
        multiplyAdd(a, other.a, b * other.b) + multiplyAdd(c, other.c, d * other.d)
    }

    /// `sum` and the products of all lanes with another block's.
    @inline(__always)
    func dot(_ other: Self, _ sum: Lanes) -> Lanes {
        multiplyAdd(a, other.a, sum) + multiplyAdd(d, other.d, multiplyAdd(c, other.c, b * other.b))
    }

    @inline(__always)
    static func + (x: Self, y: Self) -> Self { Self(a: x.a + y.a, b: x.b + y.b, c: x.c + y.c, d: x.d + y.d) }

    @inline(__always)
    static func - (x: Self, y: Self) -> Self { Self(a: x.a - y.a, b: x.b - y.b, c: x.c - y.c, d: x.d - y.d) }

    @inline(__always)
    static func * (x: Self, y: Lanes) -> Self { Self(a: x.a * y, b: x.b * y, c: x.c * y, d: x.d * y) }
}

/// `x·y + z`
@inline(__always)
func multiplyAdd<S: RegisterScalar>(_ x: Block<S>, _ y: Block<S>, _ z: Block<S>) -> Block<S> {
    Block(
        a: multiplyAdd(x.a, y.a, z.a), b: multiplyAdd(x.b, y.b, z.b), c: multiplyAdd(x.c, y.c, z.c),
        d: multiplyAdd(x.d, y.d, z.d))
}

@inline(__always)
func multiplyAdd<S: RegisterScalar>(_ x: Block<S>, _ y: Register<S>, _ z: Block<S>) -> Block<S> {
    Block(
        a: multiplyAdd(x.a, y, z.a), b: multiplyAdd(x.b, y, z.b), c: multiplyAdd(x.c, y, z.c),
        d: multiplyAdd(x.d, y, z.d))
}
