/// The loops over columns, for one compute type on one instruction set. They are methods of a class, not generic functions,
/// for a generic function would be compiled again by whoever calls it, for the caller's instruction set.
///
/// Vectors are pointers to `count` compute scalars, at least one register's worth: see `RowReader`. A target must not
/// overlap the operands, for the last step of a loop may reach back over columns already written; where `count` is a
/// multiple of the padding it does not, and the target may be an operand.
open class Kernels: @unchecked Sendable {
    @inlinable
    public init() {}

    // MARK: Vectors

    /// `x·y`
    open func dot(_ x: UnsafeRawPointer, _ y: UnsafeRawPointer, count: Int) -> Double { 0 }

    /// `‖a x − b y‖²`
    open func squaredDistance(
        _ x: UnsafeRawPointer, by a: Double, _ y: UnsafeRawPointer, by b: Double, count: Int
    ) -> Double { 0 }

    /// Writes `a x`.
    open func scale(_ x: UnsafeRawPointer, by a: Double, into target: UnsafeMutableRawPointer, count: Int) {}

    /// Writes `a x + b y`.
    open func combine(
        _ x: UnsafeRawPointer, by a: Double, _ y: UnsafeRawPointer, by b: Double,
        into target: UnsafeMutableRawPointer, count: Int
    ) {}

    /// `scalars[i] = doubles[i]`, of any length; returns the sum of the doubles' squares.
    open func narrow(_ doubles: UnsafePointer<Double>, to scalars: UnsafeMutableRawPointer, count: Int) -> Double { 0 }

    // MARK: Rows

    /// Sets `rawSquare` of rows.
    open func measure(_ rows: UnsafeMutablePointer<RowState>, _ rowCount: Int, count: Int) {}

    /// Adds rows, each times its unit, to a vector of doubles. Up to a few of them are added up in the compute type first.
    open func add(
        _ rows: UnsafePointer<RowState>, _ rowCount: Int, to doubles: UnsafeMutablePointer<Double>, count: Int
    ) {}

    /// Adds the normalised first rows of identities, used where they are, to a vector of doubles: up to the first that is
    /// exceptional, see `writeLinear`, or fewer. Returns how many; none where there is no such loop.
    open func addFirstRows(
        _ rows: UnsafePointer<Rows>, of identities: Range<Int>, to doubles: UnsafeMutablePointer<Double>
    ) -> Int { 0 }

    /// Writes the sum of raw rows, of which there is at least one.
    open func sum(
        _ rows: UnsafePointer<RowState>, _ rowCount: Int, into sum: UnsafeMutableRawPointer, count: Int
    ) -> RowSums { RowSums(product: 0, squares: 0, firstSquare: 0) }

    /// Writes the sum s of rows, each times its unit, sets their `alongSum`, and returns ‖s‖².
    ///
    /// - Parameter products: 64 bytes of scratch for each row
    open func sumScaled(
        _ rows: UnsafeMutablePointer<RowState>, _ rowCount: Int, into sum: UnsafeMutableRawPointer, count: Int,
        products: UnsafeMutableRawPointer
    ) -> Double { 0 }

    /// Writes the `gradient` of rows.
    ///
    /// - Parameter pastCaches: past the caches, if there is such a loop; every target is a multiple of 16 bytes, and so is
    ///   what is written there
    open func writeGradients(
        _ rows: UnsafePointer<RowState>, _ rowCount: Int, shared: UnsafeRawPointer, count: Int, pastCaches: Bool
    ) {}

    /// The most common work, whole identities in one go: a push between representatives, rows that are used where they
    /// are, and a gradient that is written where it belongs.
    ///
    /// Writes the gradient of identities up to the first that is exceptional, for numbers too large or too
    /// small, or rows too close to each other. Does none where there is no such loop.
    ///
    /// - Parameter oneByOne: whether an identity was exceptional, so that more of them may be
    open func writeLinear(
        _ job: UnsafePointer<GradientJob>, _ space: LinearSpace, _ identities: Range<Int>, oneByOne: Bool
    ) -> LinearSums { LinearSums() }

    // MARK: Pairs

    /// See `PairTile`.
    open func evaluatePairs(_ tile: PairTile, _ function: PairFunction) -> PairSums { PairSums() }
}
