import KernelInterface

/// What the pull of an identity is made of.
enum PullForm: Sendable {
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
struct GradientCoefficients: Sendable {
    var pullOnSum = 0.0
    var pullOnRow = 0.0
    var pullOnRowByCount = 0.0
    var pushOnSum = 0.0
    var pushOnSumBySquare = 0.0
    var totalOnRow = 0.0
    var totalOnRowByCount = 0.0
    var pushOnRow = 0.0
    var pushOnRowByCount = 0.0
    var totalOnFirst = 0.0
    var firstOnFirst = 0.0
}

/// A gradient of the push that is not a multiple of sums: one vector of compute scalars for each pushed point.
struct PointGradients {
    /// Row `p − firstPoint` times the weight is the gradient with respect to pushed point `p`.
    var vectors: UnsafeRawPointer
    /// Compute scalars from one vector to the next.
    var stride: Int
    var firstPoint: Int
    var weight: Double
}

/// One pass over identities: their sums and, when `gradient` is there, the gradient of their rows.
struct GradientJob {
    var groupedRows: UnsafePointer<Rows>
    var points: PushPoints
    var pullForm: PullForm
    /// Sum the squared distances to the centroid term by term. Needed where the pull would else cancel.
    var centred: Bool
    /// Whether the mean inner products are asked for, and not just the loss.
    var wantsMeans: Bool
    var gradient: UnsafeMutableRawPointer?
    var gradientStride: Int
    var accumulate: Bool
    var coefficients: GradientCoefficients
    /// The sum of all pushed points, as many compute scalars as dim, padded; read only where a coefficient asks for it.
    var total: UnsafeRawPointer
    var pointGradients: PointGradients?

    var rows: Rows { groupedRows.pointee }
}
