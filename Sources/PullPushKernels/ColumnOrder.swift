#if PULLPUSH_FMA
// The order in which columns are taken. Steps of one length along short rows have the processor fetch past the rows' ends.

/// The blocks of some columns from the middle outwards.
struct BlocksFromMiddle<S: RegisterScalar> {
    private var column: Int
    private var following: Int
    private var step = Block<S>.count

    /// - Parameter columns: whole blocks of them
    @inline(__always)
    init(_ columns: Int) {
        column = (columns / 2) & ~(Block<S>.count &- 1)
        following = column &- Block<S>.count
    }

    /// The first column of the next one.
    @inline(__always)
    mutating func next() -> Int {
        let result = column
        (column, following) = (following, column &+ step)
        step = -step
        return result
    }
}

/// The columns to take as those from `next` on. Two registers of 64 bytes and the next two change places;
/// smaller ones need not, where they are not taken in blocks.
@inline(__always)
func columnsInTurn<S: RegisterScalar>(_: S.Type, _ next: Int, of dim: Int) -> Columns<S> {
    #if PULLPUSH_AVX512
    let partner = next ^ (2 &* S.laneCount)
    if max(next, partner) &+ S.laneCount <= dim { return Columns(partner, of: dim) }
    #endif
    return Columns(next, of: dim)
}
#endif
