#if PULLPUSH_FMA
import KernelInterface

/// All that can be wrong with the sums is that they are not finite: they are taken together, and looked at once.
@inline(__always)
func writeUnitFours<S: ComputeScalar>(
    _: S.Type, _ job: LinearRows, _ weights: LinearWeights, _ first: Int, _ end: Int, _ sums: inout LinearSums
) -> Int? {
    let hasSquares = job.wantsSquares
    var totals = UnitTotals<S>()
    var number = first
    while number < end {
        let identity = job.rows.pointee.identity(number)
        if identity.count != 4 { break }
        writeFourUnitRows(
            IdentityOfFour<S>(job.addresses(of: number, identity)), weights, job.rows.pointee.dim, &totals,
            hasSquares: hasSquares)
        number &+= 1
    }
    let found = totals.sums
    guard found.squares < .infinity && found.product < .infinity else { return nil }
    sums.add(found, count: 4, identities: number &- first)
    return number
}

/// Sums over identities.
private struct UnitTotals<S: ComputeScalar> {
    var product = WideSum<S>()
    var firstSquares = WideSum<S>()
    var otherSquares = WideSum<S>()

    @inline(__always)
    init() {}

    @inline(__always)
    var sums: RowSums {
        let first = firstSquares.total
        return RowSums(product: product.total, squares: first + otherSquares.total, firstSquare: first)
    }
}

private struct UnitSweep<S: ComputeScalar> {
    let identity: IdentityOfFour<S>
    let onSum: Register<S>
    let ownOnFirst: Register<S>
    var squares = FourSquares<S>()

    /// Writes a register of columns of the gradient and returns the sum of the rows.
    ///
    /// - Parameter seen: lanes at the front that have been counted
    @inline(__always)
    mutating func step(_ column: Int, seen: Int, hasSquares: Bool) -> Register<S> {
        let x = FourLanes(identity.rows, column)
        let sum = x.x0 + x.x1 + x.x2 + x.x3
        if hasSquares {
            squares.add(seen == 0 ? x : x.dropFirst(seen))
        }
        let h = sum * onSum
        multiplyAdd(Register(identity.own + column), ownOnFirst, h).store(identity.targets.row0 + column)
        h.store(identity.targets.row1 + column)
        h.store(identity.targets.row2 + column)
        h.store(identity.targets.row3 + column)
        return seen == 0 ? sum : sum.dropFirst(seen)
    }

    /// The same for a block.
    @inline(__always)
    mutating func step(_ column: Int, hasSquares: Bool) -> Block<S> {
        let a = step(column, seen: 0, hasSquares: hasSquares)
        let b = step(column &+ S.laneCount, seen: 0, hasSquares: hasSquares)
        let c = step(column &+ 2 &* S.laneCount, seen: 0, hasSquares: hasSquares)
        let d = step(column &+ 3 &* S.laneCount, seen: 0, hasSquares: hasSquares)
        return Block(a: a, b: b, c: c, d: d)
    }
}

/// The blocks of some columns from the middle outwards, for steps of one length along short rows have the processor fetch
/// past the rows' ends.
private struct BlocksFromMiddle<S: ComputeScalar> {
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

/// Rows that enter neither normalised nor by themselves: sums and gradient in one sweep over the columns.
@inline(__always)
private func writeFourUnitRows<S: ComputeScalar>(
    _ identity: IdentityOfFour<S>, _ weights: LinearWeights, _ dim: Int, _ totals: inout UnitTotals<S>,
    hasSquares: Bool
) {
    var sweep = UnitSweep<S>(
        identity: identity, onSum: Register<S>(repeating: S(weights.onSum)),
        ownOnFirst: Register<S>(repeating: S(weights.ownOnFirst)))
    let whole = Block<S>.columns(of: dim)
    var blocks = BlocksFromMiddle<S>(whole)
    var next = 0
    while next < dim {
        var product = Register<S>.zero
        let end = min(next &+ S.mostColumns, whole)
        while next < end {
            let column = blocks.next()
            // Each with a body of its own.
            let block =
                hasSquares ? sweep.step(column, hasSquares: true) : sweep.step(column, hasSquares: false)
            product = block.dot(block, product)
            next &+= Block<S>.count
        }
        if next == whole {
            while next < dim {
                let columns = Columns<S>(next, of: dim)
                let sum = sweep.step(columns.offset, seen: columns.seen, hasSquares: hasSquares)
                product = multiplyAdd(sum, sum, product)
                next &+= S.laneCount
            }
        }
        totals.product.add(product, at: next)
        if hasSquares {
            let squares = sweep.squares
            totals.firstSquares.add(squares.x0, at: next)
            totals.otherSquares.add(squares.x1 + squares.x2 + squares.x3, at: next)
            sweep.squares = FourSquares()
        }
    }
}
#endif
