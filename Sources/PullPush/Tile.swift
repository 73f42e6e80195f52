import CVectors
import KernelInterface

/// One worker's scratch for the pushes that look at pairs.
struct TileSpace {
    /// The points of a block as columns.
    let transposed: UnsafeMutableRawPointer
    /// The gradients of a block's points.
    let gradients: UnsafeMutableRawPointer
    /// The weights of a block's pairs with up to `partners` points: a row for each of those.
    let weights: Matrix
    let ownRanges: UnsafeMutablePointer<Range<Int>>

    static var partners: Int { 576 }

    @_optimize(size)
    init(_ evaluation: Evaluation, _ blockSize: Int) throws(PullPushError) {
        transposed = try evaluation.allocateScalars(evaluation.width &* blockSize)
        gradients = try evaluation.allocateScalars(blockSize &* evaluation.rowStride)
        weights = Matrix(
            try evaluation.allocateScalars(Self.partners &* blockSize), rowStride: blockSize)
        ownRanges = try evaluation.allocate(blockSize, of: Range<Int>.self)
    }
}

/// One block of pushed points, with the gradient that its pairs add up to.
struct Tile {
    private let work: UnsafePointer<TileWork>
    private let space: UnsafePointer<TileSpace>
    private let worker: Int
    private let unit: Int
    private let block: Range<Int>

    /// - Parameter work: a `TileWork`
    init(_ work: UnsafeRawPointer, worker: Int, unit: Int) {
        self.work = work.assumingMemoryBound(to: TileWork.self)
        space = UnsafePointer(self.work.pointee.spaces + worker)
        self.worker = worker
        self.unit = unit
        block = self.work.pointee.points.block(unit)
    }

    private var points: PackedPoints { work.pointee.points }
    private var rows: Rows { work.pointee.evaluation.rows }
    private var pushed: PushPoints { work.pointee.evaluation.loss.points }
    private var kernels: Kernels { work.pointee.evaluation.kernels }
    private var width: Int { work.pointee.evaluation.width }
    private var gradients: Matrix { Matrix(space.pointee.gradients, rowStride: points.rows.rowStride) }
    private var size: Int { rows.element.computeSize }

    private func rows(from point: Int) -> Matrix { points.rows.from(row: point, rows.element) }

    /// Of the weights of all pairs those of a block, from one partner on.
    private func weights(_ weights: Matrix, of block: Int, from partner: Int) -> Matrix {
        weights.from(row: block &* points.blocks &* points.blockSize &+ partner, rows.element)
    }

    /// Weighs the pairs of the block's points with all from them on.
    func weighAll() {
        transpose()
        let partners = block.lowerBound..<points.count
        work.pointee.pairSums[unit] =
            if let weights = work.pointee.weights {
                weigh(
                    partners, into: self.weights(weights, of: unit, from: partners.lowerBound), own: false,
                    mirrored: true)
            } else {
                addPairs(partners, own: false, mirrored: true, hasGradient: false, adding: false)
            }
    }

    /// Weighs the pairs, if that is not done yet, and does the rest: the gradient, and the identities' sums.
    @_optimize(size)
    func finish() {
        let work = work.pointee
        let first = block.lowerBound
        let hasGradient = work.gradient.job.pointee.gradient != nil
        if let weights = work.weights {
            // Those of pairs with points before the block are in the columns of these.
            for other in 0..<unit {
                addPartners(
                    points.block(other), self.weights(weights, of: other, from: first), adding: other > 0)
            }
            addPartners(
                first..<points.count, self.weights(weights, of: unit, from: first).transposed, adding: unit > 0)
        } else {
            if hasGradient, let moments = work.moments {
                begin(product: moments, total: work.gradient.job.pointee.total, totalWeight: -work.target)
            }
            let isOwn = work.moments != nil
            if isOwn && pushed != .all {
                work.pairSums[unit] = addSelfPairs(hasGradient: hasGradient)
            } else {
                transpose()
                // Without a gradient a pair need not be seen from both sides.
                let partners = isOwn ? ownPoints : (hasGradient ? 0 : first)..<points.count
                work.pairSums[unit] = addPairs(
                    partners, own: isOwn, mirrored: !isOwn && !hasGradient, hasGradient: hasGradient, adding: isOwn)
            }
        }
        if hasGradient, case .distanceHinge = work.function { subtractWeightedPoints() }
        work.identitySums[unit] = finishIdentities()
    }

    /// Weighs the pairs of the block's points, as columns, with the points in `partners`, as rows; after `transpose`.
    ///
    /// - Parameters:
    ///   - own: whether the pairs are those within an identity, self pairs included, or those between identities
    ///   - mirrored: whether points beyond the block stand for two pairs
    @_optimize(size)
    @inline(never)
    private func weigh(_ partners: Range<Int>, into weights: Matrix, own: Bool, mirrored: Bool) -> PairSums {
        var sums = PairSums()
        for first in Steps(from: partners.lowerBound, to: partners.upperBound, by: points.blockSize) {
            let others = first..<min(first &+ points.blockSize, partners.upperBound)
            let tile = weights.from(row: first &- partners.lowerBound, rows.element)
            work.pointee.evaluation.multiply(
                Product(
                    m: others.count, n: block.count, k: rows.dim, rows(from: first),
                    Matrix(space.pointee.transposed, rowStride: points.blockSize), into: tile, adding: false))
            for j in 0..<others.count {
                let own = pointsOfIdentity(of: first &+ j).clamped(to: block)
                space.pointee.ownRanges[j] = own.lowerBound &- block.lowerBound..<own.upperBound &- block.lowerBound
            }
            let found = kernels.evaluatePairs(
                PairTile(
                    products: tile.start, stride: tile.rowStride, rows: others.count, columns: block.count,
                    own: space.pointee.ownRanges, pairsOwn: own, rowSquares: points.squares + first &* size,
                    columnSquares: points.squares + block.lowerBound &* size),
                work.pointee.function)
            sums += found
            if mirrored && first > block.lowerBound { sums += found }
        }
        return sums
    }

    /// Weighs pairs and, with a gradient, begins the block's gradient with them, or adds them.
    @_optimize(size)
    private func addPairs(
        _ partners: Range<Int>, own: Bool, mirrored: Bool, hasGradient: Bool, adding: Bool
    ) -> PairSums {
        let weights = space.pointee.weights
        var sums = PairSums()
        for first in Steps(from: partners.lowerBound, to: partners.upperBound, by: TileSpace.partners) {
            let some = first..<min(first &+ TileSpace.partners, partners.upperBound)
            sums += weigh(some, into: weights, own: own, mirrored: mirrored)
            if hasGradient {
                addPartners(some, weights.transposed, adding: adding || first > partners.lowerBound)
            }
        }
        return sums
    }

    /// Begins the gradient with the points in `partners`, a row of weights for each point of the block, or adds them.
    private func addPartners(_ partners: Range<Int>, _ weights: Matrix, adding: Bool) {
        // The distance hinge needs the sum of the weights, too.
        var columns = rows.dim
        if case .distanceHinge = work.pointee.function { columns = width &+ 1 }
        work.pointee.evaluation.multiply(
            Product(
                m: block.count, n: columns, k: partners.count, weights, rows(from: partners.lowerBound),
                into: gradients, adding: adding))
    }

    /// Begins the gradient with the product of the points with a matrix, and a multiple of a vector for each.
    @_optimize(size)
    private func begin(product matrix: Matrix, total: UnsafeRawPointer, totalWeight: Double) {
        work.pointee.evaluation.multiply(
            Product(
                m: block.count, n: rows.dim, k: rows.dim, rows(from: block.lowerBound), matrix, into: gradients,
                adding: false))
        if totalWeight != 0 {
            for i in 0..<block.count { addToGradient(i, total, by: totalWeight) }
        }
    }

    /// The pairs of the squared push that the moments hold too much, where a point's identity has no other point.
    @_optimize(size)
    private func addSelfPairs(hasGradient: Bool) -> PairSums {
        var sums = PairSums()
        for i in 0..<block.count {
            let error = scalar(points.squares + (block.lowerBound &+ i) &* size) - work.pointee.target
            sums.value += error * error
            if hasGradient { addToGradient(i, rows(from: block.lowerBound &+ i).start, by: -error) }
        }
        return sums
    }

    /// Takes from every point's gradient the point itself, times the sum of its weights.
    @_optimize(size)
    private func subtractWeightedPoints() {
        for i in 0..<block.count {
            let sum = scalar(gradients.from(row: i, column: width, rows.element).start)
            addToGradient(i, rows(from: block.lowerBound &+ i).start, by: -sum)
        }
    }

    private func scalar(_ pointer: UnsafeRawPointer) -> Double {
        rows.element.computesInDouble ? pointer.load(as: Double.self) : Double(pointer.load(as: Float.self))
    }

    private func addToGradient(_ i: Int, _ vector: UnsafeRawPointer, by weight: Double) {
        let gradient = gradients.from(row: i, rows.element).start
        kernels.combine(gradient, by: 1, vector, by: weight, into: gradient, count: width)
    }

    /// Writes the points as columns, four rows at a time: there is room for more than the block has.
    private func transpose() {
        let (start, transposed) = (rows(from: block.lowerBound).start, space.pointee.transposed)
        let (rowStride, columnStride) = (points.rows.rowStride, points.blockSize)
        for i in Steps(to: block.count, by: 4) {
            if rows.element.computesInDouble {
                let from = start.assumingMemoryBound(to: Double.self) + i &* rowStride
                let to = transposed.assumingMemoryBound(to: Double.self) + i
                for column in 0..<width {
                    for a in 0..<4 { to[column &* columnStride &+ a] = from[a &* rowStride &+ column] }
                }
            } else {
                let from = start.assumingMemoryBound(to: Float.self) + i &* rowStride
                let to = transposed.assumingMemoryBound(to: Float.self) + i
                for column in Steps(to: width, by: 4) {
                    cvectors_transpose(from + column, rowStride, to + column &* columnStride, columnStride)
                }
            }
        }
    }

    /// The sums of the block's identities; with a gradient, adds its closed-form part, undoes the normalisation and writes
    /// the rows.
    @_optimize(size)
    private func finishIdentities() -> IdentitySums {
        var job = work.pointee.gradient.job.pointee
        let scale = work.pointee.gradient.scale
        job.pointGradients = PointGradients(
            vectors: gradients.start, stride: gradients.rowStride, firstPoint: block.lowerBound,
            weight: work.pointee.moments == nil ? scale : 4 * scale)
        let identities = pushed == .all ? rows.identitiesOf(block) : block
        let range = pushed == .all ? block : rows.rowsOf(block)
        return withUnsafePointer(to: job) {
            GradientJob.run($0, identities, range, kernels, scratch: work.pointee.evaluation.memory[worker])
        }
    }

    /// The points of identities that have a point in the block.
    private var ownPoints: Range<Int> {
        pointsOfIdentity(of: block.lowerBound).lowerBound..<pointsOfIdentity(of: block.upperBound &- 1).upperBound
    }

    /// The points of the identity that has this point.
    private func pointsOfIdentity(of point: Int) -> Range<Int> {
        if pushed != .all { return point..<point &+ 1 }
        let identity = rows.identity(rows.identityOfRow(point))
        return identity.start..<identity.start &+ identity.count
    }
}
