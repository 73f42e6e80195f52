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
}

/// A gradient of the push that is not a multiple of sums: one vector of compute scalars for each pushed point.
public struct PointGradients {
    /// Row `p − firstPoint` times the weight is the gradient with respect to pushed point `p`.
    public var vectors: UnsafeRawPointer
    /// Compute scalars from one vector to the next.
    public var stride: Int
    public var firstPoint: Int
    public var weight: Double

    @inlinable
    public init(vectors: UnsafeRawPointer, stride: Int, firstPoint: Int, weight: Double) {
        self.vectors = vectors
        self.stride = stride
        self.firstPoint = firstPoint
        self.weight = weight
    }
}

/// One pass over identities: their sums and, when `gradient` is there, the gradient of their rows.
public struct GradientJob {
    public var groupedRows: UnsafePointer<Rows>
    public var gradient: UnsafeMutableRawPointer?
    /// Bytes from one row of the gradient to the next.
    public var gradientBytes: Int
    public var coefficients: GradientCoefficients
    /// The sum of all pushed points, as many compute scalars as dim, padded; read only where a coefficient asks for it.
    public var total: UnsafeRawPointer
    public var pointGradients: PointGradients?
    public var points: PushPoints
    public var pullForm: PullForm
    /// Sum the squared distances to the centroid term by term. Needed where the pull would else cancel.
    public var centred: Bool
    /// Whether the mean inner products are asked for, and not just the loss.
    public var wantsMeans: Bool
    /// Whether the gradient is added to what is there.
    public var accumulate: Bool
    /// Whether gradient rows are made where they belong.
    public var writesDirectly: Bool
    /// Whether the gradient is too large to be found in the caches by whoever reads it.
    public var isLarge: Bool
    /// Whether gradient rows are written past the caches, to multiples of 16 bytes.
    public var pastCaches: Bool
    /// Whether loops may use registers of 64 bytes, where there are such loops.
    public var isWide: Bool

    @inlinable
    public init(
        groupedRows: UnsafePointer<Rows>, gradient: UnsafeMutableRawPointer?, gradientBytes: Int,
        coefficients: GradientCoefficients, total: UnsafeRawPointer, points: PushPoints, pullForm: PullForm,
        centred: Bool, wantsMeans: Bool, accumulate: Bool, isWide: Bool
    ) {
        self.groupedRows = groupedRows
        self.gradient = gradient
        self.gradientBytes = gradientBytes
        self.coefficients = coefficients
        self.total = total
        pointGradients = nil
        self.points = points
        self.pullForm = pullForm
        self.centred = centred
        self.wantsMeans = wantsMeans
        self.accumulate = accumulate
        self.isWide = isWide
        let rows = groupedRows.pointee
        writesDirectly = rows.isDirect && !accumulate
        isLarge = rows.bytes(of: rows.count) >= 5_000_000
        pastCaches =
            isLarge && writesDirectly && UInt(bitPattern: gradient) % 16 == 0 && gradientBytes % 16 == 0
            && rows.bytes(of: 1) % 16 == 0
    }

    @inlinable @inline(__always)
    public var rows: Rows { groupedRows.pointee }
}
