import KernelInterface

/// The pushed points as rows of one matrix, for the pushes that look at pairs.
struct PackedPoints {
    let count: Int
    /// Beyond dim a row holds zeros, but for a 1 in column `width`: what multiplies points with the weights of pairs finds
    /// the weights' sum there. A row is a line of the cache longer than a vector, for at a power of two the rows' columns
    /// would lie on the same few lines and drive each other out.
    let rows: Matrix
    /// Squared norms in compute scalars.
    let squares: UnsafeMutableRawPointer

    /// Points that are taken together: a multiple of the lanes and of `productRows`.
    let blockSize: Int
    /// Blocks there is room for.
    let blocks: Int

    /// The points of a block.
    func block(_ number: Int) -> Range<Int> {
        number &* blockSize..<min((number &+ 1) &* blockSize, count)
    }
}

extension Evaluation {
    /// Compute scalars from one row of a matrix of vectors to the next; see `PackedPoints`.
    var rowStride: Int { width &+ rows.element.lanes }

    @_optimize(size)
    func packedPoints() throws(PullPushError) -> PackedPoints {
        let count = rows.pointCount(loss.points)
        // Small blocks leave more to symmetry, large ones see the others less often.
        let blockSize = if case .hinge = loss.push, count > 1024 { 192 } else { 48 }
        let blocks = (count &+ blockSize &- 1) / blockSize
        // Partners need not begin with a block, and a product reads whole groups of rows.
        let room = blocks &* blockSize &+ productRows
        let points = PackedPoints(
            count: count, rows: Matrix(try allocateScalars(room &* rowStride), rowStride: rowStride),
            squares: try zeroScalars(blocks &* blockSize), blockSize: blockSize, blocks: blocks)
        ThreadPool.run(blocks, workers: workers, PackingWork(evaluation: self, points: points))
        return points
    }
}

private struct PackingWork: UnitWork {
    let evaluation: Evaluation
    let points: PackedPoints

    @inline(never)
    func run(_ worker: Int, _ unit: Int) {
        RowReader(evaluation.groupedRows, evaluation.kernels, scratch: evaluation.memory[worker]).packPoints(
            evaluation.loss.points, points.block(unit), to: points)
    }
}
