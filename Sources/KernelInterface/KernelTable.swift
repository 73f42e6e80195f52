/// Compute scalars in one step of a kernel's loop: 64 bytes, the widest vector register in use. Vectors of compute
/// scalars that kernels share are padded with zeros to a multiple of it.
public let lanesOfFloat = 16
public let lanesOfDouble = 8

/// The type of a stored number. Float16 and bfloat16 are computed in float32.
public enum ElementType: Int32, Sendable {
    case float32 = 1
    case float64 = 2
    case float16 = 3
    case bfloat16 = 4

    @inlinable
    public var size: Int {
        switch self {
        case .float32: 4
        case .float64: 8
        case .float16, .bfloat16: 2
        }
    }

    @inlinable
    public var computesInDouble: Bool { self == .float64 }
    @inlinable
    public var computeSize: Int { computesInDouble ? 8 : 4 }
    @inlinable
    public var lanes: Int { computesInDouble ? lanesOfDouble : lanesOfFloat }

    /// The least multiple of the lanes that holds `count` compute scalars.
    @inlinable
    public func padded(_ count: Int) -> Int { (count &+ lanes &- 1) & ~(lanes &- 1) }
}

/// The value a nonlinear push gives a pair of points with inner product `s` and squared distance `d`.
public enum PairFunction: Sendable {
    /// `(s − target)²`
    case squared(target: Double)
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
    /// Has the weight of every column point in its own gradient added, `−Σ_j w_ji` or 0, padded.
    public var columnWeights: UnsafeMutableRawPointer

    @inlinable
    public init(
        products: UnsafeMutableRawPointer, stride: Int, rows: Int, columns: Int, own: UnsafePointer<Range<Int>>,
        pairsOwn: Bool, rowSquares: UnsafeRawPointer, columnSquares: UnsafeRawPointer, columnWeights: UnsafeMutableRawPointer
    ) {
        self.products = products
        self.stride = stride
        self.rows = rows
        self.columns = columns
        self.own = own
        self.pairsOwn = pairsOwn
        self.rowSquares = rowSquares
        self.columnSquares = columnSquares
        self.columnWeights = columnWeights
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

/// The last step to the gradients with respect to `count` points `p_i`: `g_i = scale · (g_i + w_i p_i + c t)`.
public struct PointCompletion {
    /// Rows of `stride` compute scalars.
    public var gradients: UnsafeMutableRawPointer
    public var points: UnsafeRawPointer
    public var stride: Int
    public var count: Int
    /// A compute scalar for each point.
    public var weights: UnsafeRawPointer
    /// The vector t, padded, and c.
    public var total: UnsafeRawPointer
    public var totalWeight: Double
    public var scale: Double

    @inlinable
    public init(
        gradients: UnsafeMutableRawPointer, points: UnsafeRawPointer, stride: Int, count: Int,
        weights: UnsafeRawPointer, total: UnsafeRawPointer, totalWeight: Double, scale: Double
    ) {
        self.gradients = gradients
        self.points = points
        self.stride = stride
        self.count = count
        self.weights = weights
        self.total = total
        self.totalWeight = totalWeight
        self.scale = scale
    }
}

/// A matrix of compute scalars for `multiply`.
public struct Matrix {
    public var start: UnsafeMutableRawPointer
    /// Scalars from one row to the next, and from one column to the next.
    public var rowStride: Int
    public var columnStride: Int

    @inlinable
    public init(_ start: UnsafeMutableRawPointer, rowStride: Int, columnStride: Int = 1) {
        self.start = start
        self.rowStride = rowStride
        self.columnStride = columnStride
    }
}

/// Rows of `c` that `multiply` works on at a time.
public let productRows = 6

/// Bytes of scratch that `addGradients` keeps for each row of the largest identity, beside a copied row.
public let rowStateSize = 32

/// Bytes of scratch for `addGradients`: two vectors, and if rows must be copied, two gradient rows and an identity.
@inlinable
public func gradientScratchSize(_ rows: Rows) -> Int {
    let vectors = 2 &* rows.element.padded(rows.dim) &+ (rows.largestIdentity &+ 2) &* rows.stagedColumns
    return vectors &* rows.element.computeSize &+ rows.largestIdentity &* rowStateSize
}

/// The kernels for one compute type on one instruction set. `slot` is scratch of `rows.stagedColumns` compute scalars.
public struct KernelTable: Sendable {
    /// Adds the pushed points `range` to a vector of as many doubles as dim, padded to whole lanes.
    public var sumPoints:
        @Sendable (
            _ rows: Rows, PushPoints, _ range: Range<Int>, UnsafeMutablePointer<Double>, _ slot: UnsafeMutableRawPointer
        ) -> Void
    /// Sums and gradient of the grouped rows `range`, beginning in identity `identity`. An identity's sums are counted
    /// with its first row. `scratch` has `gradientScratchSize` bytes.
    public var addGradients:
        @Sendable (
            _ job: GradientJob, _ identity: Int, _ range: Range<Int>, _ scratch: UnsafeMutableRawPointer
        ) -> IdentitySums
    /// Writes the pushed points `range` as rows of `stride` compute scalars, zero beyond dim, and their squared norms.
    public var packPoints:
        @Sendable (
            _ rows: Rows, PushPoints, _ range: Range<Int>, _ packed: UnsafeMutableRawPointer, _ stride: Int,
            _ squares: UnsafeMutableRawPointer, _ slot: UnsafeMutableRawPointer
        ) -> Void
    /// The batch number of the first row in `range` that holds a NaN or an infinity, or -1.
    public var firstNonFinite: @Sendable (_ rows: Rows, _ range: Range<Int>, _ slot: UnsafeMutableRawPointer) -> Int
    /// `c (+)= a·b` for an m×k by k×n product. Rows of b and c are contiguous and padded: n is rounded up to whole
    /// lanes. m is rounded up to a multiple of `productRows`: a and c have that many rows.
    public var multiply:
        @Sendable (_ m: Int, _ n: Int, _ k: Int, _ a: Matrix, _ b: Matrix, _ c: Matrix, _ adding: Bool) -> Void
    /// Writes the transpose of the rows × columns matrix a to b.
    public var transpose: @Sendable (_ rows: Int, _ columns: Int, _ a: Matrix, _ b: Matrix) -> Void
    public var evaluatePairs: @Sendable (_ tile: PairTile, PairFunction) -> PairSums
    public var completePoints: @Sendable (PointCompletion) -> Void
    /// `doubles[i] += scalars[i]`, and `scalars[i] = doubles[i]`, for any count.
    public var addToDoubles: @Sendable (_ scalars: UnsafeRawPointer, UnsafeMutablePointer<Double>, Int) -> Void
    public var narrowDoubles: @Sendable (UnsafePointer<Double>, _ scalars: UnsafeMutableRawPointer, Int) -> Void

    @inlinable
    public init(
        sumPoints: @escaping @Sendable (
            Rows, PushPoints, Range<Int>, UnsafeMutablePointer<Double>, UnsafeMutableRawPointer
        ) -> Void,
        addGradients: @escaping @Sendable (GradientJob, Int, Range<Int>, UnsafeMutableRawPointer) -> IdentitySums,
        packPoints: @escaping @Sendable (
            Rows, PushPoints, Range<Int>, UnsafeMutableRawPointer, Int, UnsafeMutableRawPointer, UnsafeMutableRawPointer
        ) -> Void,
        firstNonFinite: @escaping @Sendable (Rows, Range<Int>, UnsafeMutableRawPointer) -> Int,
        multiply: @escaping @Sendable (Int, Int, Int, Matrix, Matrix, Matrix, Bool) -> Void,
        transpose: @escaping @Sendable (Int, Int, Matrix, Matrix) -> Void,
        evaluatePairs: @escaping @Sendable (PairTile, PairFunction) -> PairSums,
        completePoints: @escaping @Sendable (PointCompletion) -> Void,
        addToDoubles: @escaping @Sendable (UnsafeRawPointer, UnsafeMutablePointer<Double>, Int) -> Void,
        narrowDoubles: @escaping @Sendable (UnsafePointer<Double>, UnsafeMutableRawPointer, Int) -> Void
    ) {
        self.sumPoints = sumPoints
        self.addGradients = addGradients
        self.packPoints = packPoints
        self.firstNonFinite = firstNonFinite
        self.multiply = multiply
        self.transpose = transpose
        self.evaluatePairs = evaluatePairs
        self.completePoints = completePoints
        self.addToDoubles = addToDoubles
        self.narrowDoubles = narrowDoubles
    }
}
