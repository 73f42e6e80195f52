import KernelInterface

/// The kernels of this module, which is one instruction set, for one compute type.
///
/// Exported as an interface only: a client that emitted the body again would compile it for its own instruction set.
@export(interface)
public func makeKernels(computingInDouble: Bool) -> Kernels { computingInDouble ? doubleKernels : floatKernels }

private let floatKernels = TypedKernels<Float>()
private let doubleKernels = TypedKernels<Double>()

/// Gives the loops of the other files their types.
private final class TypedKernels<S: ComputeScalar>: Kernels, @unchecked Sendable {
    override func sumPoints(
        _ rows: Rows, _ points: PushPoints, _ range: Range<Int>, _ total: UnsafeMutablePointer<Double>,
        slot: UnsafeMutableRawPointer
    ) {
        addPoints(rows, points, range, total, slot.assumingMemoryBound(to: S.self))
    }

    override func addGradients(
        _ job: GradientJob, _ identity: Int, _ range: Range<Int>, scratch: UnsafeMutableRawPointer
    ) -> IdentitySums {
        runIdentities(S.self, job, identity, range, scratch)
    }

    override func packPoints(
        _ rows: Rows, _ points: PushPoints, _ range: Range<Int>, to packed: UnsafeMutableRawPointer, stride: Int,
        squares: UnsafeMutableRawPointer, slot: UnsafeMutableRawPointer
    ) {
        copyPoints(
            rows, points, range, packed.assumingMemoryBound(to: S.self), stride,
            squares.assumingMemoryBound(to: S.self), slot.assumingMemoryBound(to: S.self))
    }

    override func firstNonFinite(_ rows: Rows, _ range: Range<Int>, slot: UnsafeMutableRawPointer) -> Int {
        findNonFinite(rows, range, slot.assumingMemoryBound(to: S.self))
    }

    override func multiply(m: Int, n: Int, k: Int, _ a: Matrix, _ b: Matrix, into c: Matrix, adding: Bool) {
        product(S.self, m, n, k, a, b, c, adding)
    }

    override func transpose(rows: Int, columns: Int, _ a: Matrix, into b: Matrix) {
        copyTransposed(S.self, rows, columns, a, b)
    }

    override func evaluatePairs(_ tile: PairTile, _ function: PairFunction) -> PairSums {
        weighPairs(S.self, tile, function)
    }

    override func completePoints(_ completion: PointCompletion) { finishPoints(S.self, completion) }

    override func add(_ scalars: UnsafeRawPointer, to doubles: UnsafeMutablePointer<Double>, count: Int) {
        let scalars = scalars.assumingMemoryBound(to: S.self)
        for i in 0..<count { doubles[i] += Double(scalars[i]) }
    }

    override func narrow(_ doubles: UnsafePointer<Double>, to scalars: UnsafeMutableRawPointer, count: Int) {
        let scalars = scalars.assumingMemoryBound(to: S.self)
        for i in 0..<count { scalars[i] = S(doubles[i]) }
    }
}
