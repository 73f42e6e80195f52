#if PULLPUSH_FMA
import CVectors
import KernelInterface

// The two loops over the columns of raw identities of four rows.

/// The inner products of four raw rows with one another, and of the first with one more vector.
private struct GramSums<S: RegisterScalar> {
    var squares = FourSquares<S>()
    var g01 = Register<S>.zero
    var g02 = Register<S>.zero
    var g03 = Register<S>.zero
    var g12 = Register<S>.zero
    var g13 = Register<S>.zero
    var g23 = Register<S>.zero
    var alongOwn = Register<S>.zero

    @inline(__always)
    init() {}

    @inline(__always)
    mutating func add(_ x: FourLanes<S>, _ own: Register<S>) {
        squares.add(x)
        g01 = multiplyAdd(x.x0, x.x1, g01)
        g02 = multiplyAdd(x.x0, x.x2, g02)
        g03 = multiplyAdd(x.x0, x.x3, g03)
        g12 = multiplyAdd(x.x1, x.x2, g12)
        g13 = multiplyAdd(x.x1, x.x3, g13)
        g23 = multiplyAdd(x.x2, x.x3, g23)
        alongOwn = multiplyAdd(x.x0, own, alongOwn)
    }
}

/// `GramSums` of all columns, as diagonals: the matrix is symmetric, and three of them hold it all.
struct Gram {
    /// `‖f_a‖²`
    var squares = Four.zero
    /// `f_a·f_{a+1}`, row 0 after row 3.
    var neighbours = Four.zero
    /// `f_0·f_2`, `f_1·f_3`, and the product of f_0 with its own vector.
    var rest = Four.zero

    @inline(__always)
    init<S: RegisterScalar>(_ identity: IdentityOfFour<S>, dim: Int) {
        var next = 0
        while next < dim {
            var sums = GramSums<S>()
            let end = min(next &+ S.mostColumns, dim)
            while next < end {
                let columns = columnsInTurn(S.self, next, of: dim)
                let x = FourLanes(identity.rows, columns.offset)
                sums.add(columns.seen == 0 ? x : x.dropFirst(columns.seen), columns.load(identity.own))
                next &+= S.laneCount
            }
            squares = squares + sums.squares.totals
            neighbours = neighbours + Register.totals(sums.g01, sums.g12, sums.g23, sums.g03)
            rest = rest + Register.totals(sums.g02, sums.g13, sums.alongOwn, sums.alongOwn)
        }
    }

    /// The products of every `u_a f_a` with `Σ u_b f_b`.
    @inline(__always)
    func along(_ u: Four) -> Four {
        let next = neighbours * (u * Four(cvectors_turn_one(u.lanes)))
        let across = Four(cvectors_first_two_twice(rest.lanes)) * (u * Four(cvectors_turn_two(u.lanes)))
        return multiplyAdd(squares, u * u, next) + (across + Four(cvectors_turn_three(next.lanes)))
    }

    @inline(__always)
    var alongOwn: Double { rest.lanes.z }
}

/// Writes the gradient of an identity by what its rows weigh, see `Slot.shares`.
@inline(__always)
func writeFour<S: RegisterScalar>(
    _ identity: IdentityOfFour<S>, by shares: UnsafePointer<S>, _ dim: Int
) {
    func share(_ number: Int) -> Register<S> { Register(repeating: shares[number]) }
    let (u0, u1, u2, u3) = (share(0), share(1), share(2), share(3))
    let (r0, r1, r2, r3) = (share(4), share(5), share(6), share(7))
    let onOwn = share(8)
    let targets = identity.targets
    @inline(__always)
    func write(_ column: Int) {
        let x = FourLanes(identity.rows, column)
        let sum = -multiplyAdd(x.x3, u3, multiplyAdd(x.x2, u2, multiplyAdd(x.x1, u1, x.x0 * u0)))
        let own = Register(identity.own + column) * onOwn
        multiplyAdd(sum, u0, multiplyAdd(x.x0, r0, own)).store(targets.row0 + column)
        multiplyAdd(sum, u1, x.x1 * r1).store(targets.row1 + column)
        multiplyAdd(sum, u2, x.x2 * r2).store(targets.row2 + column)
        multiplyAdd(sum, u3, x.x3 * r3).store(targets.row3 + column)
    }
    var next = 0
    while next < dim {
        write(columnsInTurn(S.self, next, of: dim).offset)
        next &+= S.laneCount
    }
}
#endif
