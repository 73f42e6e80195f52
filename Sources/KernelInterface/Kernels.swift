/// The kernels for one compute type on one instruction set. They are methods of a class, not generic functions, for a
/// generic function would be compiled again by whoever calls it, for the caller's instruction set.
///
/// `slot` is scratch of `rows.stagedColumns` compute scalars.
open class Kernels: @unchecked Sendable {
    @inlinable
    public init() {}

    /// Adds the pushed points `range` to a vector of as many doubles as dim, padded to whole lanes.
    open func sumPoints(
        _ rows: Rows, _ points: PushPoints, _ range: Range<Int>, _ total: UnsafeMutablePointer<Double>,
        slot: UnsafeMutableRawPointer
    ) {}

    /// Sums and gradient of the grouped rows `range`, beginning in identity `identity`. An identity's sums are counted
    /// with its first row. `scratch` has `gradientScratchSize` bytes.
    open func addGradients(
        _ job: GradientJob, _ identity: Int, _ range: Range<Int>, scratch: UnsafeMutableRawPointer
    ) -> IdentitySums { IdentitySums() }

    /// Writes the pushed points `range` as rows of `stride` compute scalars, zero beyond dim, and their squared norms.
    open func packPoints(
        _ rows: Rows, _ points: PushPoints, _ range: Range<Int>, to packed: UnsafeMutableRawPointer, stride: Int,
        squares: UnsafeMutableRawPointer, slot: UnsafeMutableRawPointer
    ) {}

    /// The batch number of the first row in `range` that holds a NaN or an infinity, or -1.
    open func firstNonFinite(_ rows: Rows, _ range: Range<Int>, slot: UnsafeMutableRawPointer) -> Int { -1 }

    /// `c (+)= a·b` for an m×k by k×n product. Rows of b and c are contiguous and padded: n is rounded up to whole
    /// lanes. m is rounded up to a multiple of `productRows`: a and c have that many rows.
    open func multiply(m: Int, n: Int, k: Int, _ a: Matrix, _ b: Matrix, into c: Matrix, adding: Bool) {}

    /// Writes the transpose of the rows × columns matrix a to b.
    open func transpose(rows: Int, columns: Int, _ a: Matrix, into b: Matrix) {}

    /// See `PairTile`.
    open func evaluatePairs(_ tile: PairTile, _ function: PairFunction) -> PairSums { PairSums() }

    /// See `PointCompletion`.
    open func completePoints(_ completion: PointCompletion) {}

    /// `doubles[i] += scalars[i]`
    open func add(_ scalars: UnsafeRawPointer, to doubles: UnsafeMutablePointer<Double>, count: Int) {}

    /// `scalars[i] = doubles[i]`
    open func narrow(_ doubles: UnsafePointer<Double>, to scalars: UnsafeMutableRawPointer, count: Int) {}
}
