import KernelInterface

/// Rows at hand as compute scalars.
private struct TypedRows<S: ComputeScalar> {
    let states: UnsafePointer<RowState>

    @inline(__always)
    func row(_ a: Int) -> UnsafePointer<S> { states[a].features.assumingMemoryBound(to: S.self) }

    @inline(__always)
    func unit(_ a: Int) -> Register<S> {
        let unit = UnsafeRawPointer(states + a) + MemoryLayout<UnsafeRawPointer>.size
        return Register(repeating: unit.load(as: S.self))
    }
}

/// Four rows, whose addresses and units stay in registers.
private struct FourScaledRows<S: ComputeScalar> {
    let row0: UnsafePointer<S>
    let row1: UnsafePointer<S>
    let row2: UnsafePointer<S>
    let row3: UnsafePointer<S>
    let unit0: Register<S>
    let unit1: Register<S>
    let unit2: Register<S>
    let unit3: Register<S>

    @inline(__always)
    init(_ rows: TypedRows<S>, from a: Int) {
        row0 = rows.row(a)
        row1 = rows.row(a &+ 1)
        row2 = rows.row(a &+ 2)
        row3 = rows.row(a &+ 3)
        unit0 = rows.unit(a)
        unit1 = rows.unit(a &+ 1)
        unit2 = rows.unit(a &+ 2)
        unit3 = rows.unit(a &+ 3)
    }

    /// Adds the rows' columns from `next` on, each times its unit.
    @inline(__always)
    func add(_ next: Int, to sum: Block<S>) -> Block<S> {
        var sum = multiplyAdd(Block(row0 + next), unit0, sum)
        sum = multiplyAdd(Block(row1 + next), unit1, sum)
        sum = multiplyAdd(Block(row2 + next), unit2, sum)
        return multiplyAdd(Block(row3 + next), unit3, sum)
    }

    /// Adds the rows' products with the columns from `next` on of a vector to four registers.
    @inline(__always)
    func addProducts(_ next: Int, with block: Block<S>, to products: UnsafeMutablePointer<S>) {
        let sums = Block(UnsafePointer(products))
        Block(
            a: Block(row0 + next).dot(block, sums.a), b: Block(row1 + next).dot(block, sums.b),
            c: Block(row2 + next).dot(block, sums.c), d: Block(row3 + next).dot(block, sums.d)
        ).store(products)
    }
}

/// See `Kernels.sumScaled`.
@inline(never)
func addScaledRows<S: ComputeScalar>(
    _ states: UnsafeMutablePointer<RowState>, _ rowCount: Int, into sum: UnsafeMutablePointer<S>, _ count: Int,
    products: UnsafeMutablePointer<S>
) -> Double {
    let rows = TypedRows<S>(states: states)
    var product = WideSum<S>()
    for a in 0..<rowCount { states[a].alongSum = 0 }
    let whole = Block<S>.columns(of: count)
    let fours = rowCount & ~3
    var next = 0
    while next < count {
        for a in 0..<rowCount { Register.zero.store(products + a &* S.laneCount) }
        let end = min(next &+ S.mostColumns, count)
        while next < min(end, whole) {
            var block = Block<S>.zero
            for a in Steps(to: fours, by: 4) { block = FourScaledRows(rows, from: a).add(next, to: block) }
            for a in fours..<rowCount { block = multiplyAdd(Block(rows.row(a) + next), rows.unit(a), block) }
            product.add(block.dot(block), at: next)
            block.store(sum + next)
            for a in Steps(to: fours, by: 4) {
                FourScaledRows(rows, from: a).addProducts(next, with: block, to: products + a &* S.laneCount)
            }
            for a in fours..<rowCount {
                let lanes = products + a &* S.laneCount
                Block(rows.row(a) + next).dot(block, Register(UnsafePointer(lanes))).store(lanes)
            }
            next &+= Block<S>.count
        }
        while next < end {
            let columns = Columns<S>(next, of: count)
            var lanes = Register<S>.zero
            for a in 0..<rowCount { lanes = multiplyAdd(columns.load(rows.row(a)), rows.unit(a), lanes) }
            let unseen = columns.unseen(lanes)
            product.add(unseen * unseen, at: next)
            columns.store(lanes, sum)
            for a in 0..<rowCount {
                let lanes = products + a &* S.laneCount
                multiplyAdd(columns.load(rows.row(a)), unseen, Register(UnsafePointer(lanes))).store(lanes)
            }
            next &+= S.laneCount
        }
        for a in 0..<rowCount { states[a].alongSum += Register(UnsafePointer(products + a &* S.laneCount)).total }
    }
    return product.total
}

/// See `Kernels.sum`; without `hasSquares` there are no squares in what it returns.
@inline(never)
func addRows<S: ComputeScalar>(
    _ states: UnsafePointer<RowState>, _ rowCount: Int, into sum: UnsafeMutablePointer<S>, _ count: Int,
    hasSquares: Bool
) -> RowSums {
    let rows = TypedRows<S>(states: states)
    var product = WideSum<S>()
    var firstSquare = WideSum<S>()
    var otherSquares = WideSum<S>()
    let whole = Block<S>.columns(of: count)
    var next = 0
    while next < whole {
        var block = Block(rows.row(0) + next)
        if hasSquares { firstSquare.add(block.dot(block), at: next) }
        var squares = Block<S>.zero
        for a in 1..<rowCount {
            let x = Block(rows.row(a) + next)
            block = block + x
            if hasSquares { squares = multiplyAdd(x, x, squares) }
        }
        if hasSquares { otherSquares.add(squares.folded, at: next) }
        product.add(block.dot(block), at: next)
        block.store(sum + next)
        next &+= Block<S>.count
    }
    while next < count {
        let columns = Columns<S>(next, of: count)
        var lanes = columns.load(rows.row(0))
        if hasSquares { firstSquare.add(columns.unseen(lanes) * lanes, at: next) }
        var squares = Register<S>.zero
        for a in 1..<rowCount {
            let x = columns.load(rows.row(a))
            lanes = lanes + x
            if hasSquares { squares = multiplyAdd(columns.unseen(x), x, squares) }
        }
        if hasSquares { otherSquares.add(squares, at: next) }
        let unseen = columns.unseen(lanes)
        product.add(unseen * unseen, at: next)
        columns.store(lanes, sum)
        next &+= S.laneCount
    }
    let first = firstSquare.total
    return RowSums(product: product.total, squares: first + otherSquares.total, firstSquare: first)
}

/// See `Kernels.add`.
@inline(__always)
func addScaledRows<S: ComputeScalar>(
    _: S.Type, _ states: UnsafePointer<RowState>, _ rowCount: Int, to doubles: UnsafeMutablePointer<Double>,
    _ count: Int
) {
    let rows = TypedRows<S>(states: states)
    var next = 0
    while next &+ Block<S>.count <= count {
        var block = Block<S>.zero
        for a in 0..<rowCount { block = multiplyAdd(Block(rows.row(a) + next), rows.unit(a), block) }
        block.forEach { S.add($1.lanes, to: doubles + next + $0) }
        next &+= Block<S>.count
    }
    #if PULLPUSH_FMA
    // Just where it pays for its code.
    if S.self == Float.self && count >= S.laneCount {
        while next < count {
            let columns = Columns<S>(next, of: count)
            var lanes = Register<S>.zero
            for a in 0..<rowCount { lanes = multiplyAdd(columns.load(rows.row(a)), rows.unit(a), lanes) }
            S.add(columns.unseen(lanes).lanes, to: doubles + columns.offset)
            next &+= S.laneCount
        }
    }
    #endif
    while next < count {
        var sum: S = 0
        for a in 0..<rowCount { sum += rows.row(a)[next] * rows.unit(a).lanes[0] }
        doubles[next] += Double(sum)
        next &+= 1
    }
}
