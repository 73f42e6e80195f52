/// What a pass over identities adds up, always in double.
struct IdentitySums: Sendable {
    /// The numerator of the pull.
    var pull = 0.0
    /// `Σ_c Σ_{a≠b} x_a·x_b`
    var positive = 0.0
    /// The inner products of pushed points that are no pair of the push: `Σ‖r_i‖²`, `Σ‖μ_c‖²` or `Σ‖s_c‖²`.
    var excluded = 0.0
    /// `Σ ‖p‖²` over the pushed points.
    var pointSquares = 0.0
    /// `Σ ‖p‖²`, each weighted with the points of its identity: 1, or `K_c` where all rows are pushed.
    var weightedPointSquares = 0.0

    static func += (sums: inout IdentitySums, other: IdentitySums) {
        sums.pull += other.pull
        sums.positive += other.positive
        sums.excluded += other.excluded
        sums.pointSquares += other.pointSquares
        sums.weightedPointSquares += other.weightedPointSquares
    }
}
