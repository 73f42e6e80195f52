#if PULLPUSH_FMA
import KernelInterface

/// Writes the gradient of unit rows from identity `number` on, up to the first that has not four rows, and returns their
/// sums.
@inline(__always)
func writeUnitFours<S: RegisterScalar>(_: S.Type, _ job: LinearRows, onSum: S, _ number: inout Int, _ end: Int)
    -> RowSums
{
    let onSum = Register<S>(repeating: onSum)
    let ownOnFirst = Register<S>(repeating: S(job.ownOnFirst))
    let hasSquares = job.wantsSquares
    var totals = UnitTotals<S>()
    while number < end {
        let members = job.rows.pointee.identity(number)
        if members.count != 4 { break }
        let identity = IdentityOfFour<S>(job.addresses(of: number, members))
        var sweep = UnitSweep<S>(identity: identity, onSum: onSum, ownOnFirst: ownOnFirst)
        sweep.run(job.rows.pointee.dim, &totals, hasSquares: hasSquares)
        number &+= 1
    }
    return totals.sums
}

/// Sums over identities.
private struct UnitTotals<S: RegisterScalar> {
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

/// Rows that enter neither normalised nor by themselves: sums and gradient in one sweep over the columns.
private struct UnitSweep<S: RegisterScalar> {
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

    /// Writes the gradient.
    @inline(__always)
    mutating func run(_ dim: Int, _ totals: inout UnitTotals<S>, hasSquares: Bool) {
        let whole = Block<S>.columns(of: dim)
        var blocks = BlocksFromMiddle<S>(whole)
        var next = 0
        while next < dim {
            var product = Register<S>.zero
            let end = min(next &+ S.mostColumns, dim)
            while Block<S>.isUsed && next < min(end, whole) {
                let column = blocks.next()
                // Each with a body of its own.
                let sum = hasSquares ? step(column, hasSquares: true) : step(column, hasSquares: false)
                product = sum.dot(sum, product)
                next &+= Block<S>.count
            }
            while next < end {
                let columns = columnsInTurn(S.self, next, of: dim)
                let sum = step(columns.offset, seen: columns.seen, hasSquares: hasSquares)
                product = multiplyAdd(sum, sum, product)
                next &+= S.laneCount
            }
            totals.product.add(product, at: next)
            if hasSquares {
                totals.firstSquares.add(squares.x0, at: next)
                totals.otherSquares.add(squares.x1 + squares.x2 + squares.x3, at: next)
                squares = FourSquares()
            }
        }
    }
}
#endif
