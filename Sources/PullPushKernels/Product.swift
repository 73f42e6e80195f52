import KernelInterface

/// Six rows by one vector of a product, held in registers while the inner dimension runs.
private struct Strip<S: ComputeScalar> {
    var row0 = S.Lanes.zero
    var row1 = S.Lanes.zero
    var row2 = S.Lanes.zero
    var row3 = S.Lanes.zero
    var row4 = S.Lanes.zero
    var row5 = S.Lanes.zero

    @inline(__always)
    init() {}

    /// Adds a column of six numbers, `rowStride` apart, times a row of one vector.
    @inline(__always)
    mutating func add(_ a: UnsafePointer<S>, _ rowStride: Int, _ b: S.Lanes) {
        row0 = multiplyAdd(S.Lanes(repeating: a[0]), b, row0)
        row1 = multiplyAdd(S.Lanes(repeating: a[rowStride]), b, row1)
        row2 = multiplyAdd(S.Lanes(repeating: a[2 &* rowStride]), b, row2)
        row3 = multiplyAdd(S.Lanes(repeating: a[3 &* rowStride]), b, row3)
        row4 = multiplyAdd(S.Lanes(repeating: a[4 &* rowStride]), b, row4)
        row5 = multiplyAdd(S.Lanes(repeating: a[5 &* rowStride]), b, row5)
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
    private func write(_ row: S.Lanes, _ c: UnsafeMutablePointer<S>, _ adding: Bool) {
        storeLanes(adding ? loadLanes(UnsafePointer(c)) + row : row, c)
    }
}

/// One vector of columns of a product, or two beside each other, over all rows and a part of the inner dimension.
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
    func multiply(column: Int, isPair: Bool) {
        for row in stride(from: 0, to: rows, by: productRows) {
            var aColumn = a + row &* aRowStride
            var bRow = b + column
            var left = Strip<S>()
            var right = Strip<S>()
            for _ in 0..<depth {
                left.add(aColumn, aRowStride, loadLanes(bRow))
                if isPair { right.add(aColumn, aRowStride, loadLanes(bRow + S.laneCount)) }
                aColumn += aColumnStride
                bRow += bRowStride
            }
            let target = c + row &* cRowStride + column
            left.write(target, cRowStride, adding: adding)
            if isPair { right.write(target + S.laneCount, cRowStride, adding: adding) }
        }
    }
}

/// See `Kernels.multiply`.
///
/// The inner dimension is cut so that the part of b that a panel reads stays in the first-level cache while all rows of
/// a pass over it, and so short that rounding stays small: an error grows with the length of a sum. Twelve registers of sums keep the multipliers busy: a pair of vectors of one register, or one vector
/// of two registers.
@inline(__always)
func matrixProduct<S: ComputeScalar>(
    _: S.Type, _ m: Int, _ n: Int, _ k: Int, _ a: Matrix, _ b: Matrix, _ c: Matrix, _ adding: Bool
) {
    let depth = 64
    let width = S.padded(n)
    for inner in stride(from: 0, to: k, by: depth) {
        let panel = Panel(
            rows: m, depth: min(depth, k &- inner),
            a: UnsafePointer(a.start.assumingMemoryBound(to: S.self)) + inner &* a.columnStride,
            aRowStride: a.rowStride, aColumnStride: a.columnStride,
            b: UnsafePointer(b.start.assumingMemoryBound(to: S.self)) + inner &* b.rowStride, bRowStride: b.rowStride,
            c: c.start.assumingMemoryBound(to: S.self), cRowStride: c.rowStride, adding: adding || inner > 0)
        var column = 0
        if MemoryLayout<S.Lanes>.size <= 32 {
            while column &+ 2 &* S.laneCount <= width {
                panel.multiply(column: column, isPair: true)
                column &+= 2 &* S.laneCount
            }
        }
        while column < width {
            panel.multiply(column: column, isPair: false)
            column &+= S.laneCount
        }
    }
}
