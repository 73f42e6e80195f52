import KernelInterface

/// Six rows of a matrix.
private struct SixRows<S: ComputeScalar> {
    let row0: UnsafePointer<S>
    let row1: UnsafePointer<S>
    let row2: UnsafePointer<S>
    let row3: UnsafePointer<S>
    let row4: UnsafePointer<S>
    let row5: UnsafePointer<S>

    @inline(__always)
    init(_ start: UnsafePointer<S>, _ rowStride: Int) {
        func row(_ a: Int) -> UnsafePointer<S> { hiddenRow(at: start + a &* rowStride) }
        (row0, row1, row2, row3, row4, row5) = (row(0), row(1), row(2), row(3), row(4), row(5))
    }
}

/// Six rows by two registers of a product: twelve sums keep the multipliers busy, held in registers while the inner dimension runs.
private struct Strip<S: ComputeScalar> {
    var row0 = S.TwoLanes.zero
    var row1 = S.TwoLanes.zero
    var row2 = S.TwoLanes.zero
    var row3 = S.TwoLanes.zero
    var row4 = S.TwoLanes.zero
    var row5 = S.TwoLanes.zero

    @inline(__always)
    init() {}

    /// Adds a column of six numbers times a row of one vector.
    @inline(__always)
    mutating func add(_ a: SixRows<S>, _ column: Int, _ b: S.TwoLanes) {
        row0 = S.multiplyAdd(S.TwoLanes(repeating: a.row0[column]), b, row0)
        row1 = S.multiplyAdd(S.TwoLanes(repeating: a.row1[column]), b, row1)
        row2 = S.multiplyAdd(S.TwoLanes(repeating: a.row2[column]), b, row2)
        row3 = S.multiplyAdd(S.TwoLanes(repeating: a.row3[column]), b, row3)
        row4 = S.multiplyAdd(S.TwoLanes(repeating: a.row4[column]), b, row4)
        row5 = S.multiplyAdd(S.TwoLanes(repeating: a.row5[column]), b, row5)
    }

    @inline(__always)
    func write(_ c: UnsafeMutablePointer<S>, _ rowStride: Int, adding: Bool) {
        write(row0, c, adding)
        write(row1, c + rowStride, adding)
        write(row2, c + 2 &* rowStride, adding)
        write(row3, c + 3 &* rowStride, adding)
        write(row4, c + 4 &* rowStride, adding)
        write(row5, c + 5 &* rowStride, adding)
    }

    @inline(__always)
    private func write(_ row: S.TwoLanes, _ c: UnsafeMutablePointer<S>, _ adding: Bool) {
        let c = UnsafeMutableRawPointer(c)
        c.storeBytes(
            of: adding ? S.add(c.loadUnaligned(as: S.TwoLanes.self), row) : row, as: S.TwoLanes.self)
    }
}

/// Two registers of columns of a product, over all rows and a part of the inner dimension.
private struct Panel<S: ComputeScalar> {
    let rows: Int
    let depth: Int
    let a: UnsafePointer<S>
    let aRowStride: Int
    let aColumnStride: Int
    let b: UnsafePointer<S>
    let bRowStride: Int
    let c: UnsafeMutablePointer<S>
    let cRowStride: Int
    let adding: Bool

    @inline(__always)
    func multiply(column: Int) {
        for row in Steps(to: rows, by: productRows) {
            let aRows = SixRows(a + row &* aRowStride, aRowStride)
            var aColumn = 0
            var bRow = b + column
            var strip = Strip<S>()
            // There is a first one, which spares the way around.
            var left = depth
            repeat {
                strip.add(aRows, aColumn, UnsafeRawPointer(bRow).loadUnaligned(as: S.TwoLanes.self))
                aColumn &+= aColumnStride
                bRow += bRowStride
                left &-= 1
            } while left > 0
            strip.write(c + row &* cRowStride + column, cRowStride, adding: adding)
        }
    }
}

/// See `Kernels.multiply`.
///
/// The inner dimension is cut so that the part of b that a panel reads stays in the first-level cache while all rows of
/// a pass over it, and so short that rounding stays small: an error grows with the length of a sum.
@inline(__always)
func matrixProduct<S: ComputeScalar>(
    _: S.Type, _ m: Int, _ n: Int, _ k: Int, _ a: Matrix, _ b: Matrix, _ c: Matrix, _ adding: Bool
) {
    let depth = 64
    let width = S.padded(n)
    for inner in Steps(to: k, by: depth) {
        let panel = Panel(
            rows: m, depth: min(depth, k &- inner),
            a: UnsafePointer(a.start.assumingMemoryBound(to: S.self)) + inner &* a.columnStride,
            aRowStride: a.rowStride, aColumnStride: a.columnStride,
            b: UnsafePointer(b.start.assumingMemoryBound(to: S.self)) + inner &* b.rowStride, bRowStride: b.rowStride,
            c: c.start.assumingMemoryBound(to: S.self), cRowStride: c.rowStride, adding: adding || inner > 0)
        for column in Steps(to: width, by: S.TwoLanes.scalarCount) { panel.multiply(column: column) }
    }
}
