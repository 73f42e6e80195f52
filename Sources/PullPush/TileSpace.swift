import KernelInterface

/// One worker's scratch for the pushes that look at pairs: a block of points with its gradient, and another block.
struct TileSpace {
    /// A multiple of the lanes and of `productRows`.
    private static let step = 48
    /// Points in a block, a multiple of `step`.
    let blockSize: Int
    /// Compute scalars in a point's row.
    let width: Int
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

    /// - Parameter points: how many there are in all
    init(_ evaluation: Evaluation, points count: Int) throws(PullPushError) {
        let width = evaluation.width
        // Four blocks of points should stay in the second-level cache.
        let blockSize = min(width <= 1024 ? 96 : 48, (count &+ Self.step &- 1) / Self.step &* Self.step)
        self.blockSize = blockSize
        self.width = width
        points = try evaluation.allocateScalars(blockSize &* width)
        squares = try evaluation.zeroScalars(blockSize)
        transposed = try evaluation.allocateScalars(blockSize &* width)
        others = try evaluation.allocateScalars(blockSize &* width)
        otherSquares = try evaluation.zeroScalars(blockSize)
        products = try evaluation.allocateScalars(blockSize &* blockSize)
        gradients = try evaluation.allocateScalars(blockSize &* width)
        weights = try evaluation.zeroScalars(blockSize)
        ownRanges = try evaluation.scratch.pointee.allocate(blockSize, of: Range<Int>.self)
        spare = try evaluation.allocateScalars(width)
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
            pushed, block, to: space.points, stride: space.width, squares: space.squares)
        transpose()
        let size = rows.element.computeSize
        space.weights.initializeMemory(as: UInt8.self, repeating: 0, count: space.blockSize &* size)
    }

    private var space: TileSpace { workspace.pointee }
    private var rows: Rows { evaluation.rows }
    private var pushed: PushPoints { evaluation.loss.points }
    private var kernels: Kernels { evaluation.kernels }

    private func rowMatrix(_ start: UnsafeMutableRawPointer) -> Matrix { Matrix(start, rowStride: space.width) }

    /// Pairs every point of the block with the points in `range`, and begins the block's gradient with them.
    ///
    /// - Parameter own: whether the pairs are those within an identity, self pairs included, or those between identities
    func addPairs(
        with range: Range<Int>, own: Bool, _ function: PairFunction, wantsGradient: Bool
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
                    pushed, others, to: points, stride: space.width, squares: squares)
            }
            let products = Matrix(space.products, rowStride: space.blockSize)
            kernels.multiply(
                m: others.count, n: block.count, k: rows.dim, rowMatrix(points),
                Matrix(space.transposed, rowStride: space.blockSize), into: products, adding: false)
            for j in 0..<others.count {
                let own = pointsOfIdentity(of: first &+ j).clamped(to: block)
                space.ownRanges[j] = own.lowerBound &- block.lowerBound..<own.upperBound &- block.lowerBound
            }
            sums += kernels.evaluatePairs(
                PairTile(
                    products: space.products, stride: space.blockSize, rows: others.count, columns: block.count,
                    own: space.ownRanges, pairsOwn: own, rowSquares: squares,
                    columnSquares: space.squares, columnWeights: space.weights),
                function)
            if wantsGradient {
                // The weights are transposed by swapping their strides.
                let weights = Matrix(space.products, rowStride: 1, columnStride: space.blockSize)
                kernels.multiply(
                    m: block.count, n: rows.dim, k: others.count, weights, rowMatrix(points),
                    into: rowMatrix(space.gradients), adding: first > range.lowerBound)
            }
        }
        return sums
    }

    /// Adds the product of the points with a matrix to the gradient.
    func addProduct(with matrix: Matrix) {
        kernels.multiply(
            m: block.count, n: rows.dim, k: rows.dim, rowMatrix(space.points), matrix,
            into: rowMatrix(space.gradients), adding: true)
    }

    /// `g = scale · (g + weights · points + totalWeight · total)`
    func complete(total: UnsafeRawPointer, totalWeight: Double, scale: Double) {
        let size = rows.element.computeSize
        for i in 0..<block.count {
            let gradient = space.gradients + i &* space.width &* size
            let point = space.points + i &* space.width &* size
            kernels.combine(gradient, by: 1, point, by: weight(i), into: space.spare, count: space.width)
            kernels.combine(
                space.spare, by: scale, total, by: totalWeight * scale, into: gradient, count: space.width)
        }
    }

    private func weight(_ i: Int) -> Double {
        rows.element.computesInDouble
            ? space.weights.assumingMemoryBound(to: Double.self)[i]
            : Double(space.weights.assumingMemoryBound(to: Float.self)[i])
    }

    /// Writes the points as columns.
    private func transpose() {
        func transpose<T>(_: T.Type) {
            let from = space.points.assumingMemoryBound(to: T.self)
            let to = space.transposed.assumingMemoryBound(to: T.self)
            // Four rows at a time; there is room for more than the block has.
            let width = space.width
            for i in stride(from: 0, to: block.count, by: 4) {
                for column in 0..<width {
                    let source = from + (i &* width &+ column)
                    let target = to + (column &* space.blockSize &+ i)
                    target[0] = source[0]
                    target[1] = source[width]
                    target[2] = source[2 &* width]
                    target[3] = source[3 &* width]
                }
            }
        }
        if rows.element.computesInDouble { transpose(UInt64.self) } else { transpose(UInt32.self) }
    }

    /// The sums of the block's identities; with a gradient, adds its closed-form part, undoes the normalisation and writes
    /// the rows.
    func finishIdentities(_ job: GradientJob) -> IdentitySums {
        var job = job
        job.pointGradients = PointGradients(
            vectors: space.gradients, stride: space.width, firstPoint: block.lowerBound)
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
