import KernelInterface

/// Rows at hand as compute scalars.
private struct TypedRows<S: ComputeScalar> {
    let states: UnsafePointer<RowState>

    @inline(__always)
    func row(_ a: Int) -> UnsafePointer<S> { states[a].features.assumingMemoryBound(to: S.self) }

    @inline(__always)
    func unit(_ a: Int) -> S.Lanes {
        let unit = UnsafeRawPointer(states + a) + MemoryLayout<UnsafeRawPointer>.size
        return S.Lanes(repeating: unit.load(as: S.self))
    }
}

/// See `Kernels.sumScaled`.
@inline(__always)
func addScaledRows<S: ComputeScalar>(
    _ states: UnsafeMutablePointer<RowState>, _ rowCount: Int, into sum: UnsafeMutablePointer<S>, _ count: Int,
    products: UnsafeMutablePointer<S>?
) -> Double {
    let rows = TypedRows<S>(states: states)
    let hasProducts = products != nil
    var product = SquareSum<S>()
    // Without room for products there are no rows to take them of.
    let products = products ?? sum
    let productCount = hasProducts ? rowCount : 0
    for a in 0..<productCount { storeLanes(.zero, products + a &* S.laneCount) }
    @inline(__always)
    func block(_ offset: Int) {
        var block = Block<S>.zero
        for a in 0..<rowCount { block = multiplyAdd(Block(rows.row(a) + offset), rows.unit(a), block) }
        product.add(block)
        block.store(sum + offset)
        for a in 0..<productCount {
            let x = Block(rows.row(a) + offset)
            let lanes = products + a &* S.laneCount
            let first = multiplyAdd(x.a, block.a, loadLanes(UnsafePointer(lanes)))
            storeLanes(first + multiplyAdd(x.d, block.d, multiplyAdd(x.c, block.c, x.b * block.b)), lanes)
        }
    }
    @inline(__always)
    func rest(_ columns: Columns<S>) {
        var lanes = S.Lanes.zero
        for a in 0..<rowCount { lanes = multiplyAdd(columns.load(rows.row(a)), rows.unit(a), lanes) }
        let unseen = columns.unseen(lanes)
        product.add(unseen)
        columns.store(lanes, sum)
        for a in 0..<productCount {
            let lanes = products + a &* S.laneCount
            storeLanes(multiplyAdd(columns.load(rows.row(a)), unseen, loadLanes(UnsafePointer(lanes))), lanes)
        }
    }
    forEachColumns(of: count, S.self, block: block, rest: rest)
    for a in 0..<productCount {
        states[a].alongSum = S.total(loadLanes(UnsafePointer(products + a &* S.laneCount)))
    }
    return product.total
}

/// See `Kernels.sum`.
@inline(__always)
func addRows<S: ComputeScalar>(
    _ states: UnsafePointer<RowState>, _ rowCount: Int, into sum: UnsafeMutablePointer<S>, _ count: Int
) -> RowSums {
    let rows = TypedRows<S>(states: states)
    var product = SquareSum<S>()
    // One register, for the others are needed.
    var firstSquares = S.Lanes.zero
    var otherSquares = Block<S>.zero
    @inline(__always)
    func block(_ offset: Int) {
        var block = Block(rows.row(0) + offset)
        block.forEach { firstSquares = multiplyAdd($1, $1, firstSquares) }
        for a in 1..<rowCount {
            let x = Block(rows.row(a) + offset)
            block = block + x
            otherSquares = multiplyAdd(x, x, otherSquares)
        }
        product.add(block)
        block.store(sum + offset)
    }
    @inline(__always)
    func rest(_ columns: Columns<S>) {
        var lanes = columns.load(rows.row(0))
        firstSquares = multiplyAdd(columns.unseen(lanes), lanes, firstSquares)
        for a in 1..<rowCount {
            let x = columns.load(rows.row(a))
            lanes += x
            otherSquares.a = multiplyAdd(columns.unseen(x), x, otherSquares.a)
        }
        product.add(columns.unseen(lanes))
        columns.store(lanes, sum)
    }
    forEachColumns(of: count, S.self, block: block, rest: rest)
    let first = S.total(firstSquares)
    return RowSums(product: product.total, squares: first + S.total(otherSquares.folded), firstSquare: first)
}
