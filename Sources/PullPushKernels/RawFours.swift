#if PULLPUSH_FMA
import CVectors
import KernelInterface

/// A few identities are measured, then weighed, then written: one's roots and quotients take as long as those of several.
@inline(__always)
func writeRawFours<S: ComputeScalar>(
    _: S.Type, _ job: LinearRows, _ weights: LinearWeights, _ first: Int, _ end: Int, _ sums: inout LinearSums
) -> Int {
    let weights = FourWeights(weights)
    let rows = job.rows.pointee
    let most = Slot.count(dim: rows.dim)
    var totals = FourSums()
    // Identities before `number` are written.
    var number = first
    while number < end {
        let last = min(end, number &+ most)
        var measured = number
        while measured < last {
            let identity = rows.identity(measured)
            if identity.count != 4 { break }
            Slot(job, measured &- number).gram = Gram(IdentityOfFour<S>(job, measured, identity), dim: rows.dim)
            measured &+= 1
        }
        var weighed = number
        while weighed < measured {
            let slot = Slot(job, weighed &- number)
            guard let found = weigh(slot.gram, weights, rows.normalization, to: slot.shares(of: S.self)),
                !(job.centred && found.areClose)
            else { break }
            totals.product = totals.product + found.product
            totals.squares = totals.squares + found.squares
            weighed &+= 1
        }
        for written in number..<weighed {
            writeFour(
                IdentityOfFour<S>(job, written, rows.identity(written)),
                by: Slot(job, written &- number).shares(of: S.self), rows.dim)
        }
        number = weighed
        if number < last { break }
    }
    sums.add(totals.sums, count: 4, identities: number &- first)
    return number
}

/// Scratch for one of a few identities: first its Gram matrix, then what it weighs in its gradient.
private struct Slot {
    private let start: UnsafeMutableRawPointer

    @inline(__always)
    init(_ job: LinearRows, _ number: Int) { start = job.space.products + number &* (LinearSpace.leastProducts / 4) }

    /// So many identities that the first-level cache still has their rows when they are written.
    @inline(__always)
    static func count(dim: Int) -> Int { max(1, min(4, 512 / dim)) }

    @inline(__always)
    var gram: Gram {
        get { start.loadUnaligned(as: Gram.self) }
        nonmutating set { start.storeBytes(of: newValue, as: Gram.self) }
    }

    /// For each row the sum's share in its gradient, then its own, then that of the vector that the first row has for
    /// itself.
    @inline(__always)
    func shares<S: ComputeScalar>(of _: S.Type) -> UnsafeMutablePointer<S> { start.assumingMemoryBound(to: S.self) }
}

/// `LinearWeights` for each of four rows.
private struct FourWeights {
    let onSum: Four
    let rootOfOnSum: Four
    let onSelf: Four
    let ownOnFirst: Double

    @inline(__always)
    init(_ weights: LinearWeights) {
        onSum = Four(repeating: weights.onSum)
        rootOfOnSum = Four(repeating: (-weights.onSum).squareRoot())
        onSelf = Four(SIMD4(weights.onFirst, weights.onRow, weights.onRow, weights.onRow))
        ownOnFirst = weights.ownOnFirst
    }
}

/// `RowSums` of four rows, each row's share by itself.
private struct FourSums {
    var product = Four.zero
    var squares = Four.zero

    @inline(__always)
    var sums: RowSums {
        RowSums(product: product.total, squares: squares.total, firstSquare: squares.lanes.x)
    }

    /// `LinearRows.isExceptional`, for the squares are not, and bound the products.
    @inline(__always)
    var areClose: Bool {
        !(multiplyAdd(squares, Four(repeating: 0.9), product * Four(repeating: -0.25)).total > 0)
    }
}

/// The inner products of four raw rows with one another, and of the first with one more vector.
private struct GramSums<S: ComputeScalar> {
    var g00 = Register<S>.zero
    var g01 = Register<S>.zero
    var g02 = Register<S>.zero
    var g03 = Register<S>.zero
    var g11 = Register<S>.zero
    var g12 = Register<S>.zero
    var g13 = Register<S>.zero
    var g22 = Register<S>.zero
    var g23 = Register<S>.zero
    var g33 = Register<S>.zero
    var alongOwn = Register<S>.zero

    @inline(__always)
    init() {}

    @inline(__always)
    mutating func add(_ identity: IdentityOfFour<S>, _ column: Int) {
        add(FourLanes(identity.rows, column), Register(identity.own + column))
    }

    @inline(__always)
    mutating func add(_ x: FourLanes<S>, _ own: Register<S>) {
        g00 = multiplyAdd(x.x0, x.x0, g00)
        g01 = multiplyAdd(x.x0, x.x1, g01)
        g02 = multiplyAdd(x.x0, x.x2, g02)
        g03 = multiplyAdd(x.x0, x.x3, g03)
        g11 = multiplyAdd(x.x1, x.x1, g11)
        g12 = multiplyAdd(x.x1, x.x2, g12)
        g13 = multiplyAdd(x.x1, x.x3, g13)
        g22 = multiplyAdd(x.x2, x.x2, g22)
        g23 = multiplyAdd(x.x2, x.x3, g23)
        g33 = multiplyAdd(x.x3, x.x3, g33)
        alongOwn = multiplyAdd(x.x0, own, alongOwn)
    }
}

/// `GramSums` of all columns, as diagonals: the matrix is symmetric, and three of them hold it all.
private struct Gram {
    /// `‖f_a‖²`
    var squares = Four.zero
    /// `f_a·f_{a+1}`, row 0 after row 3.
    var neighbours = Four.zero
    /// `f_0·f_2`, `f_1·f_3`, and the product of f_0 with its own vector.
    var rest = Four.zero

    @inline(__always)
    init<S: ComputeScalar>(_ identity: IdentityOfFour<S>, dim: Int) {
        let whole = Block<S>.columns(of: dim)
        var next = 0
        while next < dim {
            var sums = GramSums<S>()
            let end = min(next &+ mostColumns, whole)
            while next < end {
                sums.add(identity, next)
                sums.add(identity, next &+ S.laneCount)
                sums.add(identity, next &+ 2 &* S.laneCount)
                sums.add(identity, next &+ 3 &* S.laneCount)
                next &+= Block<S>.count
            }
            if next == whole {
                while next < dim {
                    let columns = Columns<S>(next, of: dim)
                    let x = FourLanes(identity.rows, columns.offset)
                    sums.add(columns.seen == 0 ? x : x.dropFirst(columns.seen), columns.load(identity.own))
                    next &+= S.laneCount
                }
            }
            squares = squares + Register.totals(sums.g00, sums.g11, sums.g22, sums.g33)
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

/// Rows that are normalised, or enter their gradient themselves; nil if one of them is exceptional.
@inline(__always)
private func weigh<S: ComputeScalar>(
    _ gram: Gram, _ weights: FourWeights, _ normalization: Normalization, to shares: UnsafeMutablePointer<S>
) -> FourSums? {
    guard let x = FourScales(squares: gram.squares, normalization) else { return nil }
    let alongSum = gram.along(x.scale)
    let onOwn = weights.ownOnFirst * x.scale.lanes.x
    // Rows that stay as they are do not need it, and theirs may be infinite.
    let alongOwn = normalization == .none ? 0 : gram.alongOwn * onOwn
    let along = multiplyAdd(alongSum, weights.onSum, Four(SIMD4(alongOwn, 0, 0, 0)))
    let onRow =
        (weights.onSelf - multiplyAdd(weights.onSelf, x.square, along) * x.projection) * (x.scale * x.scale)
    // One vector for each row's share in the sum, and the sum's share in its gradient: their product is −onSum.
    S.store((x.scale * weights.rootOfOnSum).lanes, to: shares)
    S.store(onRow.lanes, to: shares + 4)
    shares[8] = S(onOwn)
    return FourSums(product: alongSum, squares: x.square)
}

@inline(__always)
private func writeFour<S: ComputeScalar>(
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
    let whole = Block<S>.columns(of: dim)
    var next = 0
    while next < whole {
        write(next)
        write(next &+ S.laneCount)
        write(next &+ 2 &* S.laneCount)
        write(next &+ 3 &* S.laneCount)
        next &+= Block<S>.count
    }
    while next < dim {
        write(Columns<S>(next, of: dim).offset)
        next &+= S.laneCount
    }
}
#endif
