/// What the pull of an identity is made of.
public enum PullForm: Sendable {
    /// `Σ_{a,b} (1 − x_a·x_b)`
    case withSelfPairs
    /// `Σ_{a≠b} (1 − x_a·x_b)`
    case withoutSelfPairs
    /// `Σ_{a,b} ‖x_a − x_b‖²`
    case squaredEuclidean
}

/// The gradient with respect to a normalised row `x_a` of identity `c` with `K` rows is a combination of the
/// identity's sum `s`, the sum of all pushed points `t`, and the row itself:
///
///     K ≥ 2:            pullOnSum·s + (pullOnRow + pullOnRowByCount·K)·x_a
///     every row:        (pushOnSum + pushOnSumBySquare/K²)·s + (totalOnRow + totalOnRowByCount/K)·t
///                       + (pushOnRow + pushOnRowByCount·K)·x_a
///     first row only:   totalOnFirst·t + firstOnFirst·x_a
public struct GradientCoefficients: Sendable {
    public var pullOnSum = 0.0
    public var pullOnRow = 0.0
    public var pullOnRowByCount = 0.0
    public var pushOnSum = 0.0
    public var pushOnSumBySquare = 0.0
    public var totalOnRow = 0.0
    public var totalOnRowByCount = 0.0
    public var pushOnRow = 0.0
    public var pushOnRowByCount = 0.0
    public var totalOnFirst = 0.0
    public var firstOnFirst = 0.0

    @inlinable
    public init() {}

    /// Whether they are those of the original loss: the sum on every row, the total on first rows, and nothing else.
    @inlinable
    public var isOriginal: Bool {
        pullOnRow == 0 && pullOnRowByCount == 0 && pushOnSum == 0 && pushOnSumBySquare == 0 && totalOnRow == 0
            && totalOnRowByCount == 0 && pushOnRow == 0 && pushOnRowByCount == 0 && firstOnFirst == 0
    }
}

/// A gradient of the push that is not a multiple of sums: one vector of compute scalars for each pushed point.
public struct PointGradients {
    /// Row `p − firstPoint` holds the gradient with respect to pushed point `p`.
    public var vectors: UnsafeRawPointer
    /// Compute scalars from one vector to the next.
    public var stride: Int
    public var firstPoint: Int

    @inlinable
    public init(vectors: UnsafeRawPointer, stride: Int, firstPoint: Int) {
        self.vectors = vectors
        self.stride = stride
        self.firstPoint = firstPoint
    }
}

/// One pass over identities: their sums and, when `gradient` is there, the gradient of their rows.
public struct GradientJob {
    public var rows: Rows
    public var points: PushPoints
    public var pullForm: PullForm
    /// Sum the squared distances to the centroid term by term. Needed where the pull would else cancel.
    public var centred: Bool
    public var gradient: UnsafeMutableRawPointer?
    public var gradientStride: Int
    public var accumulate: Bool
    public var coefficients: GradientCoefficients
    /// The sum of all pushed points, `paddedDim` compute scalars; read only where a coefficient asks for it.
    public var total: UnsafeRawPointer
    public var pointGradients: PointGradients?

    @inlinable
    public init(
        rows: Rows, points: PushPoints, pullForm: PullForm, centred: Bool, gradient: UnsafeMutableRawPointer?,
        gradientStride: Int, accumulate: Bool, coefficients: GradientCoefficients, total: UnsafeRawPointer,
        pointGradients: PointGradients? = nil
    ) {
        self.rows = rows
        self.points = points
        self.pullForm = pullForm
        self.centred = centred
        self.gradient = gradient
        self.gradientStride = gradientStride
        self.accumulate = accumulate
        self.coefficients = coefficients
        self.total = total
        self.pointGradients = pointGradients
    }
}

/// What a pass over identities adds up, always in double.
public struct IdentitySums: Sendable {
    /// The numerator of the pull.
    public var pull = 0.0
    /// `Σ_c Σ_{a≠b} x_a·x_b`
    public var positive = 0.0
    /// The inner products of pushed points that are no pair of the push: `Σ‖r_i‖²`, `Σ‖μ_c‖²` or `Σ‖s_c‖²`.
    public var excluded = 0.0
    /// `Σ ‖p‖²` over the pushed points.
    public var pointSquares = 0.0
    /// `Σ ‖p‖²`, each weighted with the points of its identity: 1, or `K_c` where all rows are pushed.
    public var weightedPointSquares = 0.0

    @inlinable
    public init() {}

    @inlinable
    public static func += (sums: inout IdentitySums, other: IdentitySums) {
        sums.pull += other.pull
        sums.positive += other.positive
        sums.excluded += other.excluded
        sums.pointSquares += other.pointSquares
        sums.weightedPointSquares += other.weightedPointSquares
    }
}

/// Bytes of scratch that `addGradients` keeps for each row of the largest identity, beside a copied row.
public let rowStateSize = 48

/// Bytes of scratch for `addGradients`: two vectors, and if rows must be copied, two gradient rows and an identity.
@inlinable
public func gradientScratchSize(_ rows: Rows) -> Int {
    let vectors = 2 &* rows.element.padded(rows.dim) &+ (rows.largestIdentity &+ 2) &* rows.stagedColumns
    return vectors &* rows.element.computeSize &+ rows.largestIdentity &* rowStateSize
}
