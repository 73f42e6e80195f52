#if PULLPUSH_FMA
import CVectors
import KernelInterface

// Identities of four rows, as most batches have them: everything about a column stays in registers.

/// Four rows of features and of their gradient.
struct FourRows<S: ComputeScalar> {
    let row0: UnsafePointer<S>
    let row1: UnsafePointer<S>
    let row2: UnsafePointer<S>
    let row3: UnsafePointer<S>
    let target0: UnsafeMutablePointer<S>
    let target1: UnsafeMutablePointer<S>
    let target2: UnsafeMutablePointer<S>
    let target3: UnsafeMutablePointer<S>

    /// The vector that the first row has for itself.
    let own: UnsafePointer<S>

    @inline(__always)
    init(_ job: LinearRows, _ identity: Identity, own: UnsafeRawPointer) {
        let rows = job.rows.pointee.features
        let targets = UnsafeRawPointer(job.gradient)
        let features = FourAddresses(rows, identity, bytes: job.featureBytes, job.rows.pointee)
        let gradients = FourAddresses(targets, identity, bytes: job.gradientBytes, job.rows.pointee)
        func target(_ address: UnsafeRawPointer) -> UnsafeMutablePointer<S> {
            UnsafeMutablePointer(mutating: hiddenRow(at: address))
        }
        (row0, row1) = (hiddenRow(at: features.a), hiddenRow(at: features.b))
        (row2, row3) = (hiddenRow(at: features.c), hiddenRow(at: features.d))
        (target0, target1) = (target(gradients.a), target(gradients.b))
        (target2, target3) = (target(gradients.c), target(gradients.d))
        self.own = own.assumingMemoryBound(to: S.self)
    }
}

/// Where the rows of an identity are.
private struct FourAddresses {
    let a: UnsafeRawPointer
    let b: UnsafeRawPointer
    let c: UnsafeRawPointer
    let d: UnsafeRawPointer

    @inline(__always)
    init(_ start: UnsafeRawPointer, _ identity: Identity, bytes: Int, _ rows: Rows) {
        a = start + identity.row(0) &* bytes
        if rows.offsets == nil {
            b = a + bytes
            c = b + bytes
            d = c + bytes
        } else {
            b = start + identity.row(1) &* bytes
            c = start + identity.row(2) &* bytes
            d = start + identity.row(3) &* bytes
        }
    }
}

/// One register of columns of four rows.
private struct FourLanes<S: ComputeScalar> {
    var x0: Register<S>
    var x1: Register<S>
    var x2: Register<S>
    var x3: Register<S>

    @inline(__always)
    init(_ rows: FourRows<S>, _ column: Int) {
        x0 = Register(rows.row0 + column)
        x1 = Register(rows.row1 + column)
        x2 = Register(rows.row2 + column)
        x3 = Register(rows.row3 + column)
    }

    @inline(__always)
    func dropFirst(_ count: Int) -> Self {
        var result = self
        result.x0 = x0.dropFirst(count)
        result.x1 = x1.dropFirst(count)
        result.x2 = x2.dropFirst(count)
        result.x3 = x3.dropFirst(count)
        return result
    }
}

/// Whether `writeFours` can: raw rows must be pulled together, not apart, as they are with a negative weight; the sums of
/// unit rows must be good enough as long as they are finite.
@inline(__always)
func canWriteFours(_ job: LinearRows, _ weights: LinearWeights) -> Bool {
    weights.isUnit ? !job.centred && !job.oneByOne : weights.onSum <= 0
}

/// Writes the gradient of identities from `first` on, up to the first that has not four rows, or is exceptional; returns
/// its number, or nil if it is not known which is exceptional.
@inline(__always)
func writeFours<S: ComputeScalar>(
    _: S.Type, _ job: LinearRows, _ weights: LinearWeights, _ first: Int, _ end: Int, _ sums: inout LinearSums
) -> Int? {
    if !weights.isUnit { return writeRawFours(S.self, job, weights, first, end, &sums) }
    return job.wantsSquares
        ? writeUnitFours(S.self, job, weights, first, end, &sums, WithSquares.self)
        : writeUnitFours(S.self, job, weights, first, end, &sums, WithoutSquares.self)
}

// MARK: Unit rows

/// What the sums of unit rows hold. A type for each, so that each has a loop of its own.
private protocol UnitSums {
    static var haveSquares: Bool { get }
}

private enum WithSquares: UnitSums {
    static var haveSquares: Bool { true }
}

private enum WithoutSquares: UnitSums {
    static var haveSquares: Bool { false }
}

/// All that can be wrong with the sums is that they are not finite: they are taken together, and looked at once.
@inline(__always)
private func writeUnitFours<S: ComputeScalar, Sums: UnitSums>(
    _: S.Type, _ job: LinearRows, _ weights: LinearWeights, _ first: Int, _ end: Int, _ sums: inout LinearSums,
    _: Sums.Type
) -> Int? {
    var totals = UnitTotals<S, Sums>()
    var number = first
    while number < end {
        let identity = job.rows.pointee.identity(number)
        if identity.count != 4 { break }
        let rows = FourRows<S>(job, identity, own: job.own(of: number, identity))
        writeFourUnitRows(rows, weights, job.rows.pointee.dim, &totals)
        number &+= 1
    }
    let found = totals.sums
    guard found.squares < .infinity && found.product < .infinity else { return nil }
    sums.add(found, count: 4, identities: number &- first)
    return number
}

/// Sums over identities in double.
private struct UnitTotals<S: ComputeScalar, Sums: UnitSums> {
    var product = SquareSum<S>()
    var firstSquares = Register<Double>.zero
    var otherSquares = Register<Double>.zero

    @inline(__always)
    init() {}

    @inline(__always)
    var sums: RowSums {
        let first = firstSquares.total
        return RowSums(product: product.total, squares: first + otherSquares.total, firstSquare: first)
    }
}

private struct UnitSweep<S: ComputeScalar, Sums: UnitSums> {
    let rows: FourRows<S>
    let onSum: Register<S>
    let ownOnFirst: Register<S>
    var firstSquares = Register<S>.zero
    var squares1 = Register<S>.zero
    var squares2 = Register<S>.zero
    var squares3 = Register<S>.zero

    /// Writes a register of columns of the gradient and returns the sum of the rows.
    ///
    /// - Parameter seen: lanes at the front that have been counted
    @inline(__always)
    mutating func step(_ column: Int, seen: Int) -> Register<S> {
        let x = FourLanes(rows, column)
        let sum = x.x0 + x.x1 + x.x2 + x.x3
        if Sums.haveSquares {
            let counted = seen == 0 ? x : x.dropFirst(seen)
            firstSquares = multiplyAdd(counted.x0, counted.x0, firstSquares)
            squares1 = multiplyAdd(counted.x1, counted.x1, squares1)
            squares2 = multiplyAdd(counted.x2, counted.x2, squares2)
            squares3 = multiplyAdd(counted.x3, counted.x3, squares3)
        }
        let h = sum * onSum
        multiplyAdd(Register(rows.own + column), ownOnFirst, h).store(rows.target0 + column)
        h.store(rows.target1 + column)
        h.store(rows.target2 + column)
        h.store(rows.target3 + column)
        return seen == 0 ? sum : sum.dropFirst(seen)
    }
}

/// Rows that enter neither normalised nor by themselves: sums and gradient in one sweep over the columns.
@inline(__always)
private func writeFourUnitRows<S: ComputeScalar, Sums: UnitSums>(
    _ rows: FourRows<S>, _ weights: LinearWeights, _ dim: Int, _ totals: inout UnitTotals<S, Sums>
) {
    var sweep = UnitSweep<S, Sums>(
        rows: rows, onSum: Register<S>(repeating: S(weights.onSum)),
        ownOnFirst: Register<S>(repeating: S(weights.ownOnFirst)))
    let whole = Block<S>.columns(of: dim)
    var next = 0
    while next < whole {
        let a = sweep.step(next, seen: 0)
        let b = sweep.step(next &+ S.laneCount, seen: 0)
        let c = sweep.step(next &+ 2 &* S.laneCount, seen: 0)
        let d = sweep.step(next &+ 3 &* S.laneCount, seen: 0)
        totals.product.add(Block(a: a, b: b, c: c, d: d))
        next &+= Block<S>.count
    }
    while next < dim {
        let columns = Columns<S>(next, of: dim)
        totals.product.add(sweep.step(columns.offset, seen: columns.seen))
        next &+= S.laneCount
    }
    if !Sums.haveSquares { return }
    totals.firstSquares = totals.firstSquares + sweep.firstSquares.widenedSum
    totals.otherSquares = totals.otherSquares + (sweep.squares1 + sweep.squares2 + sweep.squares3).widenedSum
}

// MARK: Raw rows

@inline(__always)
private func writeRawFours<S: ComputeScalar>(
    _: S.Type, _ job: LinearRows, _ weights: LinearWeights, _ first: Int, _ end: Int, _ sums: inout LinearSums
) -> Int {
    var totals = FourSums()
    var number = first
    while number < end {
        let identity = job.rows.pointee.identity(number)
        guard identity.count == 4,
            let found = writeFourRawRows(
                FourRows<S>(job, identity, own: job.own(of: number, identity)), weights, job.rows.pointee),
            !job.isExceptional(found.sums, count: 4)
        else { break }
        totals.product = totals.product + found.product
        totals.squares = totals.squares + found.squares
        number &+= 1
    }
    sums.add(totals.sums, count: 4, identities: number &- first)
    return number
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
    mutating func add(_ rows: FourRows<S>, _ column: Int) { add(FourLanes(rows, column), Register(rows.own + column)) }

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

/// One number for each of four rows.
private typealias Four = Register<Double>

/// `RowSums` of four rows, each row's share by itself.
private struct FourSums {
    var product = Four.zero
    var squares = Four.zero

    @inline(__always)
    var sums: RowSums {
        RowSums(product: product.total, squares: squares.total, firstSquare: squares.lanes.x)
    }
}

/// `GramSums` of all columns: the matrix of inner products, column by column.
private struct Gram {
    var column0 = Four.zero
    var column1 = Four.zero
    var column2 = Four.zero
    var column3 = Four.zero
    var alongOwn = 0.0

    /// Sums in the compute type are cut at so many columns, for their rounding grows with their length.
    static var piece: Int { 256 }

    @inline(__always)
    init<S: ComputeScalar>(_ rows: FourRows<S>, dim: Int) {
        let whole = Block<S>.columns(of: dim)
        var next = 0
        while next < dim {
            var sums = GramSums<S>()
            let end = min(next &+ Self.piece, whole)
            while next < end {
                sums.add(rows, next)
                sums.add(rows, next &+ S.laneCount)
                sums.add(rows, next &+ 2 &* S.laneCount)
                sums.add(rows, next &+ 3 &* S.laneCount)
                next &+= Block<S>.count
            }
            if next == whole {
                while next < dim {
                    let columns = Columns<S>(next, of: dim)
                    let x = FourLanes(rows, columns.offset)
                    sums.add(columns.seen == 0 ? x : x.dropFirst(columns.seen), columns.load(rows.own))
                    next &+= S.laneCount
                }
            }
            column0 = column0 + Register.totals(sums.g00, sums.g01, sums.g02, sums.g03)
            column1 = column1 + Register.totals(sums.g01, sums.g11, sums.g12, sums.g13)
            column2 = column2 + Register.totals(sums.g02, sums.g12, sums.g22, sums.g23)
            column3 = column3 + Register.totals(sums.g03, sums.g13, sums.g23, sums.g33)
            alongOwn += sums.alongOwn.total
        }
    }

    /// `‖f_a‖²`
    @inline(__always)
    var squares: Four {
        Four(cvectors_diagonal(column0.lanes, column1.lanes, column2.lanes, column3.lanes))
    }

    /// The products of every row with `Σ u_b f_b`.
    @inline(__always)
    func along(_ u: Four) -> Four {
        let first = multiplyAdd(column1, Four(repeating: u.lanes.y), column0 * Four(repeating: u.lanes.x))
        let last = multiplyAdd(column3, Four(repeating: u.lanes.w), column2 * Four(repeating: u.lanes.z))
        return first + last
    }
}

/// `RowScale` of four rows, none of them exceptional.
private struct FourScales {
    let scale: Four
    let square: Four
    let projection: Four

    @inline(__always)
    init(squares: Four, _ normalization: Normalization) {
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

/// Rows that are normalised, or enter their gradient themselves; nil if one of them is exceptional.
@inline(__always)
private func writeFourRawRows<S: ComputeScalar>(
    _ rows: FourRows<S>, _ weights: LinearWeights, _ batch: Rows
) -> FourSums? {
    let dim = batch.dim
    let gram = Gram(rows, dim: dim)
    let squares = gram.squares
    let (tiny, huge) = (LinearRows.tinySquare, LinearRows.hugeSquare)
    if cvectors_all_between(squares.lanes, tiny, huge) == 0 { return nil }
    let x = FourScales(squares: squares, batch.normalization)
    let alongSum = gram.along(x.scale) * x.scale
    let ownPart = Four(SIMD4(weights.ownOnFirst * gram.alongOwn * x.scale.lanes.x, 0, 0, 0))
    let along = multiplyAdd(alongSum, Four(repeating: weights.onSum), ownPart)
    let onSelf = Four(SIMD4(weights.onFirst, weights.onRow, weights.onRow, weights.onRow))
    // One vector for each row's share in the sum, and the sum's share in its gradient: their product is −onSum.
    let onSum = x.scale * Four(repeating: (-weights.onSum).squareRoot())
    let onRow = (onSelf - multiplyAdd(onSelf, x.square, along) * x.projection) * (x.scale * x.scale)

    let u0 = Register(repeating: S(onSum.lanes.x))
    let u1 = Register(repeating: S(onSum.lanes.y))
    let u2 = Register(repeating: S(onSum.lanes.z))
    let u3 = Register(repeating: S(onSum.lanes.w))
    let r0 = Register(repeating: S(onRow.lanes.x))
    let r1 = Register(repeating: S(onRow.lanes.y))
    let r2 = Register(repeating: S(onRow.lanes.z))
    let r3 = Register(repeating: S(onRow.lanes.w))
    let onOwn = Register(repeating: S(weights.ownOnFirst * x.scale.lanes.x))
    @inline(__always)
    func write(_ column: Int) {
        let x = FourLanes(rows, column)
        let sum = -multiplyAdd(x.x3, u3, multiplyAdd(x.x2, u2, multiplyAdd(x.x1, u1, x.x0 * u0)))
        multiplyAdd(Register(rows.own + column), onOwn, multiplyAdd(sum, u0, x.x0 * r0)).store(rows.target0 + column)
        multiplyAdd(sum, u1, x.x1 * r1).store(rows.target1 + column)
        multiplyAdd(sum, u2, x.x2 * r2).store(rows.target2 + column)
        multiplyAdd(sum, u3, x.x3 * r3).store(rows.target3 + column)
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
    return FourSums(product: alongSum, squares: x.square)
}
#endif
