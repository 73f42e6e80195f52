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
    let whole = Block<S>.columns(of: count)
    var next = 0
    while next < whole {
        var block = Block<S>.zero
        for a in 0..<rowCount { block = multiplyAdd(Block(rows.row(a) + next), rows.unit(a), block) }
        product.add(block)
        block.store(sum + next)
        for a in 0..<productCount {
            let x = Block(rows.row(a) + next)
            let lanes = products + a &* S.laneCount
            let first = multiplyAdd(x.a, block.a, loadLanes(UnsafePointer(lanes)))
            storeLanes(first + multiplyAdd(x.d, block.d, multiplyAdd(x.c, block.c, x.b * block.b)), lanes)
        }
        next &+= Block<S>.count
    }
    while next < count {
        let columns = Columns<S>(next, of: count)
        var lanes = S.Lanes.zero
        for a in 0..<rowCount { lanes = multiplyAdd(columns.load(rows.row(a)), rows.unit(a), lanes) }
        let unseen = columns.unseen(lanes)
        product.add(unseen)
        columns.store(lanes, sum)
        for a in 0..<productCount {
            let lanes = products + a &* S.laneCount
            storeLanes(multiplyAdd(columns.load(rows.row(a)), unseen, loadLanes(UnsafePointer(lanes))), lanes)
        }
        next &+= S.laneCount
    }
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
    var squares = Block<S>.zero
    let whole = Block<S>.columns(of: count)
    var next = 0
    while next < whole {
        var block = Block<S>.zero
        for a in 0..<rowCount {
            let x = Block(rows.row(a) + next)
            block = block + x
            squares = multiplyAdd(x, x, squares)
        }
        product.add(block)
        block.store(sum + next)
        next &+= Block<S>.count
    }
    var restSquares = squares.folded
    while next < count {
        let columns = Columns<S>(next, of: count)
        var lanes = S.Lanes.zero
        for a in 0..<rowCount {
            let x = columns.load(rows.row(a))
            lanes += x
            restSquares = multiplyAdd(columns.unseen(x), x, restSquares)
        }
        product.add(columns.unseen(lanes))
        columns.store(lanes, sum)
        next &+= S.laneCount
    }
    return RowSums(product: product.total, squares: S.total(restSquares))
}
