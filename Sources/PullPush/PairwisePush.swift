import KernelInterface

/// Pushes that look at every pair of points, in tiles: O(M² · dim) time for M points, and a tile of memory a worker.

/// The rest of the work on the identities whose points a tile holds.
struct PushGradient {
    /// Without a gradient, just the identities' sums are taken.
    var job: GradientJob
    /// `upstream · pushWeight`, over the number of pairs.
    var scale: Double
}

extension Evaluation {
    /// The pairs of a nonlinear push as a function of inner product and distance, or nil for the linear push.
    var pairFunction: PairFunction? {
        switch loss.push {
        case .linear: nil
        case .squared(let target): .squared(target: target)
        case .hinge(let margin, _):
            loss.objective == .squaredEuclidean ? .distanceHinge(margin: margin) : .hinge(margin: margin)
        }
    }

    /// Runs `body` on tiles that cover all points; its sums are added in the order of the tiles.
    mutating func forEachTile(
        wantsGradient: Bool, _ body: (Tile) -> (PairSums, IdentitySums)
    ) throws(PullPushError) -> (PairSums, IdentitySums) {
        let rows = rows
        let pushed = loss.points
        let kernels = kernels
        let points = pushed == .all ? rows.count : rows.identityCount
        let spaces = try scratch.allocate(workers, of: TileSpace.self)
        for worker in 0..<workers { (spaces + worker).initialize(to: try TileSpace(&self)) }
        let blockSize = spaces[0].blockSize
        let tiles = (points &+ blockSize &- 1) / blockSize
        let pairSums = try scratch.allocate(tiles, of: PairSums.self)
        let identitySums = try scratch.allocate(tiles, of: IdentitySums.self)
        ThreadPool.run(tiles, workers: workers) { worker, unit in
            let tile = Tile(
                rows: rows, pushed: pushed, kernels: kernels, space: spaces[worker],
                block: unit &* blockSize..<min((unit &+ 1) &* blockSize, points), wantsGradient: wantsGradient)
            tile.load()
            (pairSums[unit], identitySums[unit]) = body(tile)
        }
        var sums = (PairSums(), IdentitySums())
        for unit in 0..<tiles {
            sums.0 += pairSums[unit]
            sums.1 += identitySums[unit]
        }
        return sums
    }

    /// Sums over all pairs of the push and over the identities, and, if the job has one, the gradient.
    mutating func pairwise(
        _ function: PairFunction, _ gradient: PushGradient
    ) throws(PullPushError) -> (PairSums, IdentitySums) {
        let points = loss.points == .all ? rows.count : rows.identityCount
        return try forEachTile(wantsGradient: gradient.job.gradient != nil) { tile in
            let sums = tile.addPairs(with: 0..<points, own: false, function)
            tile.complete(total: gradient.job.total, totalWeight: 0, scale: gradient.scale)
            return (sums, tile.finishIdentities(gradient.job))
        }
    }
}
