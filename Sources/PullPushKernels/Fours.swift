#if PULLPUSH_FMA
import KernelInterface

// Identities of four rows, as most batches have them: everything about a column stays in registers.

/// An identity of four rows.
struct IdentityOfFour<S: ComputeScalar> {
    let rows: FourRows<S>
    let targets: FourTargets<S>
    /// The vector that the first row has for itself.
    let own: UnsafePointer<S>

    @inline(__always)
    init(_ job: LinearRows, _ number: Int, _ identity: Identity) {
        rows = FourRows(job, identity)
        targets = FourTargets(job, identity)
        own = job.own(of: number, identity).assumingMemoryBound(to: S.self)
    }
}

/// Whether `writeFours` can: raw rows must be pulled together, not apart, as they are with a negative weight; the sums of
/// unit rows must be good enough as long as they are finite.
@inline(__always)
func canWriteFours(_ job: LinearRows, _ weights: LinearWeights, oneByOne: Bool) -> Bool {
    weights.isUnit ? !job.centred && !oneByOne : weights.onSum <= 0
}

/// Writes the gradient of identities from `first` on, up to the first that has not four rows, or is exceptional; returns
/// its number, or nil if it is not known which is exceptional.
@inline(__always)
func writeFours<S: ComputeScalar>(
    _: S.Type, _ job: LinearRows, _ weights: LinearWeights, _ first: Int, _ end: Int, _ sums: inout LinearSums
) -> Int? {
    if !weights.isUnit { return writeRawFours(S.self, job, weights, first, end, &sums) }
    return job.job.pointee.wantsMeans
        ? writeUnitFours(S.self, job, weights, first, end, &sums, WithSquares.self)
        : writeUnitFours(S.self, job, weights, first, end, &sums, WithoutSquares.self)
}
#endif
