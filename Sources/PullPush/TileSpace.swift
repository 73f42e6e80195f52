import CVectors
import KernelInterface

/// One worker's scratch for the pushes that look at pairs: a block of points with its gradient, and another block.
struct TileSpace {
    /// Points in a block.
    let blockSize: Int
    /// Rows there is room for, a multiple of the lanes and of `productRows`.
    let capacity: Int
    /// Compute scalars from one point's row to the next.
    let rowStride: Int
    let points: UnsafeMutableRawPointer
    let squares: UnsafeMutableRawPointer
    let transposed: UnsafeMutableRawPointer
    let others: UnsafeMutableRawPointer
    let otherSquares: UnsafeMutableRawPointer
    let products: UnsafeMutableRawPointer
    let gradients: UnsafeMutableRawPointer
    let weights: UnsafeMutableRawPointer
    let ownRanges: UnsafeMutablePointer<Range<Int>>
    /// A vector.
    let spare: UnsafeMutableRawPointer
    /// For an `IdentityPass`, or the `RowReader` that is a part of it.
    let memory: UnsafeMutableRawPointer

    private static var step: Int { 48 }

    /// Points in a block, a multiple of the lanes.
    ///
    /// - Parameter points: how many there are in all
    static func blockSize(width: Int, points: Int) -> Int {
        // Four blocks of points should stay in the second-level cache.
        let most = width <= 1024 ? 2 &* step : step
        // Two threads should share blocks evenly, so there are two, four, six … of them.
        let blocks = points <= most ? 1 : (points &+ 2 &* most &- 1) / (2 &* most) &* 2
        return ((points &+ blocks &- 1) / blocks &+ lanesOfFloat &- 1) & ~(lanesOfFloat &- 1)
    }

    init(_ evaluation: Evaluation, blockSize: Int) throws(PullPushError) {
        let capacity = (blockSize &+ Self.step &- 1) / Self.step &* Self.step
        self.blockSize = blockSize
        self.capacity = capacity
        rowStride = evaluation.rowStride
        points = try evaluation.allocateScalars(capacity &* rowStride)
        squares = try evaluation.zeroScalars(capacity)
        transposed = try evaluation.allocateScalars(capacity &* rowStride)
        others = try evaluation.allocateScalars(capacity &* rowStride)
        otherSquares = try evaluation.zeroScalars(capacity)
        products = try evaluation.allocateScalars(capacity &* capacity)
        gradients = try evaluation.allocateScalars(capacity &* rowStride)
        weights = try evaluation.zeroScalars(capacity)
        ownRanges = try evaluation.scratch.pointee.allocate(capacity, of: Range<Int>.self)
        spare = try evaluation.allocateScalars(evaluation.width)
        memory = try evaluation.scratch.pointee.allocate(bytes: IdentityPass.scratchSize(evaluation.rows))
    }
}

/// One block of pushed points in a worker's scratch, with the gradient that its pairs add up to.
struct Tile {
    let evaluation: Evaluation
    private let workspace: UnsafePointer<TileSpace>
    /// The points of the block.
    let block: Range<Int>

    /// Packs the points of the block.
    init(_ evaluation: Evaluation, _ workspace: UnsafePointer<TileSpace>, block: Range<Int>) {
        self.evaluation = evaluation
        self.workspace = workspace
        self.block = block
        evaluation.reader(space.memory).packPoints(
            pushed, block, to: space.points, stride: space.rowStride, squares: space.squares)
        transpose()
        let size = rows.element.computeSize
        space.weights.initializeMemory(as: UInt8.self, repeating: 0, count: space.capacity &* size)
    }

    private var space: TileSpace { workspace.pointee }
    private var rows: Rows { evaluation.rows }
    private var pushed: PushPoints { evaluation.loss.points }
    private var kernels: Kernels { evaluation.kernels }

    private func rowMatrix(_ start: UnsafeMutableRawPointer) -> Matrix { Matrix(start, rowStride: space.rowStride) }

    /// Pairs every point of the block with the points in `range`, and begins the block's gradient with them, or adds them.
    ///
    /// - Parameter own: whether the pairs are those within an identity, self pairs included, or those between identities
    func addPairs(
        with range: Range<Int>, own: Bool, _ function: PairFunction, wantsGradient: Bool, adding: Bool
    ) -> PairSums {
        var sums = PairSums()
        for first in stride(from: range.lowerBound, to: range.upperBound, by: space.blockSize) {
            let others = first..<min(first &+ space.blockSize, range.upperBound)
            // A block that meets itself is packed already.
            let meetsItself = others == block
            let points = meetsItself ? space.points : space.others
            let squares = meetsItself ? space.squares : space.otherSquares
            if !meetsItself {
                evaluation.reader(space.memory).packPoints(
                    pushed, others, to: points, stride: space.rowStride, squares: squares)
            }
            let products = Matrix(space.products, rowStride: space.capacity)
            kernels.multiply(
                m: others.count, n: block.count, k: rows.dim, rowMatrix(points),
                Matrix(space.transposed, rowStride: space.capacity), into: products, adding: false)
            for j in 0..<others.count {
                let own = pointsOfIdentity(of: first &+ j).clamped(to: block)
                space.ownRanges[j] = own.lowerBound &- block.lowerBound..<own.upperBound &- block.lowerBound
            }
            sums += kernels.evaluatePairs(
                PairTile(
                    products: space.products, stride: space.capacity, rows: others.count, columns: block.count,
                    own: space.ownRanges, pairsOwn: own, rowSquares: squares,
                    columnSquares: space.squares, columnWeights: space.weights),
                function)
            if wantsGradient {
                // The weights are transposed by swapping their strides.
                let weights = Matrix(space.products, rowStride: 1, columnStride: space.capacity)
                kernels.multiply(
                    m: block.count, n: rows.dim, k: others.count, weights, rowMatrix(points),
                    into: rowMatrix(space.gradients), adding: adding || first > range.lowerBound)
            }
        }
        return sums
    }

    /// Begins the gradient with the product of the points with a matrix, and a multiple of a vector for each.
    func begin(product matrix: Matrix, total: UnsafeRawPointer, totalWeight: Double) {
        kernels.multiply(
            m: block.count, n: rows.dim, k: rows.dim, rowMatrix(space.points), matrix,
            into: rowMatrix(space.gradients), adding: false)
        if totalWeight != 0 {
            for i in 0..<block.count { addToGradient(i, total, by: totalWeight) }
        }
    }

    /// Adds every point, times its weight in its own gradient.
    func addWeightedPoints() {
        for i in 0..<block.count {
            addToGradient(i, space.points + i &* space.rowStride &* rows.element.computeSize, by: weight(i))
        }
    }

    private func addToGradient(_ i: Int, _ vector: UnsafeRawPointer, by weight: Double) {
        let size = rows.element.computeSize
        let gradient = space.gradients + i &* space.rowStride &* size
        kernels.combine(gradient, by: 1, vector, by: weight, into: space.spare, count: evaluation.width)
        gradient.copyMemory(from: space.spare, byteCount: evaluation.width &* size)
    }

    private func weight(_ i: Int) -> Double {
        rows.element.computesInDouble
            ? space.weights.assumingMemoryBound(to: Double.self)[i]
            : Double(space.weights.assumingMemoryBound(to: Float.self)[i])
    }

    /// Writes the points as columns, four rows at a time: there is room for more than the block has.
    private func transpose() {
        let (rowStride, columnStride) = (space.rowStride, space.capacity)
        for i in stride(from: 0, to: block.count, by: 4) {
            if rows.element.computesInDouble {
                let from = space.points.assumingMemoryBound(to: Double.self) + i &* rowStride
                let to = space.transposed.assumingMemoryBound(to: Double.self) + i
                for column in 0..<evaluation.width {
                    for a in 0..<4 { to[column &* columnStride &+ a] = from[a &* rowStride &+ column] }
                }
            } else {
                let from = space.points.assumingMemoryBound(to: Float.self) + i &* rowStride
                let to = space.transposed.assumingMemoryBound(to: Float.self) + i
                for column in stride(from: 0, to: evaluation.width, by: 4) {
                    cvectors_transpose(from + column, rowStride, to + column &* columnStride, columnStride)
                }
            }
        }
    }

    /// The sums of the block's identities; with a gradient, adds its closed-form part, undoes the normalisation and writes
    /// the rows.
    ///
    /// - Parameter scale: of the gradient so far
    func finishIdentities(_ job: GradientJob, scale: Double) -> IdentitySums {
        var job = job
        job.pointGradients = PointGradients(
            vectors: space.gradients, stride: space.rowStride, firstPoint: block.lowerBound,
            weight: scale)
        let pass = IdentityPass(job, kernels, scratch: space.memory)
        return pushed == .all
            ? pass.run(rows.identityOfRow(block.lowerBound), block)
            : pass.run(block.lowerBound, rows.rowsOf(block))
    }

    /// The points of identities that have a point in the block.
    var ownPoints: Range<Int> {
        pointsOfIdentity(of: block.lowerBound).lowerBound..<pointsOfIdentity(of: block.upperBound &- 1).upperBound
    }

    /// The points of the identity that has this point.
    private func pointsOfIdentity(of point: Int) -> Range<Int> {
        if pushed != .all { return point..<point &+ 1 }
        let identity = rows.identity(rows.identityOfRow(point))
        return identity.start..<identity.start &+ identity.count
    }
}
