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
    @inline(__always)
    private func scalars(_ vector: UnsafeRawPointer) -> UnsafePointer<S> { vector.assumingMemoryBound(to: S.self) }

    @inline(__always)
    private func scalars(_ vector: UnsafeMutableRawPointer) -> UnsafeMutablePointer<S> {
        vector.assumingMemoryBound(to: S.self)
    }

    override func dot(_ x: UnsafeRawPointer, _ y: UnsafeRawPointer, count: Int) -> Double {
        dotProduct(scalars(x), scalars(y), count)
    }

    override func squaredDistance(
        _ x: UnsafeRawPointer, by a: Double, _ y: UnsafeRawPointer, by b: Double, count: Int
    ) -> Double {
        squaredDistanceOf(scalars(x), by: S(a), scalars(y), by: S(b), count)
    }

    override func scale(_ x: UnsafeRawPointer, by a: Double, into target: UnsafeMutableRawPointer, count: Int) {
        writeScaled(scalars(x), by: S(a), into: scalars(target), count)
    }

    override func combine(
        _ x: UnsafeRawPointer, by a: Double, _ y: UnsafeRawPointer, by b: Double,
        into target: UnsafeMutableRawPointer, count: Int
    ) {
        writeCombination(scalars(x), by: S(a), scalars(y), by: S(b), into: scalars(target), count)
    }

    override func narrow(_ doubles: UnsafePointer<Double>, to scalars: UnsafeMutableRawPointer, count: Int) -> Double {
        writeNarrowed(doubles, to: self.scalars(scalars), count)
    }

    override func measure(_ rows: UnsafeMutablePointer<RowState>, _ rowCount: Int, count: Int) {
        measureRows(S.self, rows, rowCount, count)
    }

    override func add(
        _ rows: UnsafePointer<RowState>, _ rowCount: Int, to doubles: UnsafeMutablePointer<Double>, count: Int
    ) {
        addScaledRows(S.self, rows, rowCount, to: doubles, count)
    }

    override func addFirstRows(
        _ rows: UnsafePointer<Rows>, of identities: Range<Int>, to doubles: UnsafeMutablePointer<Double>
    ) -> Int {
        #if PULLPUSH_FMA
        // Just where it pays for its code.
        if S.self == Float.self { return addRowsOfIdentities(S.self, rows.pointee, identities, to: doubles) }
        #endif
        return 0
    }

    override func sum(
        _ rows: UnsafePointer<RowState>, _ rowCount: Int, into sum: UnsafeMutableRawPointer, count: Int
    ) -> RowSums {
        addRows(rows, rowCount, into: scalars(sum), count, hasSquares: true)
    }

    override func sumScaled(
        _ rows: UnsafeMutablePointer<RowState>, _ rowCount: Int, into sum: UnsafeMutableRawPointer, count: Int,
        products: UnsafeMutableRawPointer
    ) -> Double {
        addScaledRows(rows, rowCount, into: scalars(sum), count, products: scalars(products))
    }

    override func writeGradients(
        _ rows: UnsafePointer<RowState>, _ rowCount: Int, shared: UnsafeRawPointer, count: Int, pastCaches: Bool
    ) {
        writeGradientRows(rows, rowCount, shared: scalars(shared), count, pastCaches: pastCaches)
    }

    override func writeLinear(
        _ job: UnsafePointer<GradientJob>, _ space: LinearSpace, _ identities: Range<Int>, oneByOne: Bool
    ) -> LinearSums {
        #if PULLPUSH_FMA
        // Just where it pays for its code.
        if S.self == Float.self {
            return writeLinearRows(S.self, LinearRows(job, space), identities, oneByOne: oneByOne)
        }
        #endif
        return LinearSums()
    }

    override func evaluatePairs(_ tile: PairTile, _ function: PairFunction) -> PairSums {
        weighPairs(S.self, tile, function)
    }
}
