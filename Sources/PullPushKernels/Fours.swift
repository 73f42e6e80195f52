#if PULLPUSH_FMA
import CVectors
import KernelInterface

#if PULLPUSH_HAS_WIDER
import PullPushKernelsV4
#endif

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
    var number = first
    let found = writeUnitFoursWidest(S.self, job, weights, &number, end)
    // All that can be wrong with the sums is that they are not finite: they are taken together, and looked at once.
    guard found.squares < .infinity && found.product < .infinity else { return nil }
    sums.add(found, count: 4, identities: number &- first)
    return number
}

/// `writeUnitFours` with the widest registers there are.
@inline(__always)
private func writeUnitFoursWidest<S: ComputeScalar>(
    _: S.Type, _ job: LinearRows, _ weights: LinearWeights, _ number: inout Int, _ end: Int
) -> RowSums {
    #if PULLPUSH_HAS_WIDER
    if job.job.pointee.isWide && job.rowsAreLines {
        return writeUnitFoursOfFloats(job.job, job.space, onSum: Float(weights.onSum), &number, end)
    }
    #endif
    return writeUnitFours(S.self, job, onSum: S(weights.onSum), &number, end)
}

/// `RowScale` of four rows.
struct FourScales {
    let scale: Four
    let square: Four
    let projection: Four

    /// Nil if one of the rows is exceptional.
    @inline(__always)
    init?(squares: Four, _ normalization: Normalization) {
        if cvectors_all_between(squares.lanes, LinearRows.tinySquare, LinearRows.hugeSquare) == 0 { return nil }
        let norm = Four(cvectors_square_root(squares.lanes))
        let one = Four(repeating: 1)
        switch normalization {
        case .none:
            (scale, square, projection) = (one, squares, .zero)
        case .l2:
            (scale, square, projection) = (Four(cvectors_divide(one.lanes, norm.lanes)), one, one)
        case .renorm:
            let divisor = norm + Four(repeating: 1e-7)
            scale = Four(cvectors_divide(one.lanes, divisor.lanes))
            square = (norm * scale) * (norm * scale)
            projection = Four(cvectors_divide(divisor.lanes, norm.lanes))
        }
    }
}
#endif
