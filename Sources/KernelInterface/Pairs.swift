/// The value a nonlinear push gives a pair of points with inner product `s` and squared distance `d`.
public enum PairFunction: Sendable {
    /// `(s − target)²`, with the weight `onError·(s − target)`: 4 gives the gradient of the sum over ordered pairs.
    case squared(target: Double, onError: Double)
    /// `max(0, s − margin)`
    case hinge(margin: Double)
    /// `max(0, margin − d)`
    case distanceHinge(margin: Double)
}

/// A block of pairs, `rows × columns` inner products of row points with column points. `evaluatePairs` replaces them by
/// the weights `w` with which row points enter the gradient of column points:
/// `∂/∂p_i = Σ_j w_ji p_j − (distance hinge only) (Σ_j w_ji) p_i`.
public struct PairTile {
    public var products: UnsafeMutableRawPointer
    /// Scalars from one row to the next; the columns are padded to whole lanes.
    public var stride: Int
    public var rows: Int
    public var columns: Int
    /// For every row the columns of its own identity, and whether those are the pairs, or all others are.
    public var own: UnsafePointer<Range<Int>>
    public var pairsOwn: Bool
    /// Squared norms of the row and the column points in compute scalars; the latter padded.
    public var rowSquares: UnsafeRawPointer
    public var columnSquares: UnsafeRawPointer

    @inlinable
    public init(
        products: UnsafeMutableRawPointer, stride: Int, rows: Int, columns: Int, own: UnsafePointer<Range<Int>>,
        pairsOwn: Bool, rowSquares: UnsafeRawPointer, columnSquares: UnsafeRawPointer
    ) {
        self.products = products
        self.stride = stride
        self.rows = rows
        self.columns = columns
        self.own = own
        self.pairsOwn = pairsOwn
        self.rowSquares = rowSquares
        self.columnSquares = columnSquares
    }
}

/// What the pairs of a tile add up to.
public struct PairSums: Sendable {
    public var value = 0.0
    public var active = 0

    @inlinable
    public init() {}

    @inlinable
    public static func += (sums: inout PairSums, other: PairSums) {
        sums.value += other.value
        sums.active &+= other.active
    }
}
