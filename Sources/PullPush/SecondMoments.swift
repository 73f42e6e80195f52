import KernelInterface

/// The squared push by second moments. With C = Σ p pᵀ over the M pushed points, Σ (p_i·p_j)² = ‖C‖²_F over all ordered
/// pairs: O(M · dim²) time and dim × dim numbers of memory, whatever M.
extension Evaluation {
    /// Adds Σ p pᵀ of all points to `moments`, dim × dim doubles.
    @_optimize(size)
    func addSecondMoments(to moments: UnsafeMutablePointer<Double>) throws(PullPushError) {
        let work = MomentWork(
            evaluation: self, moments: moments,
            packed: try allocateScalars(workers &* MomentWork.packedRows &* rowStride),
            squares: try allocateScalars(workers &* MomentWork.depth),
            products: try allocateScalars(workers &* MomentWork.stripe &* rowStride),
            memory: try scratch.pointee.allocate(bytes: workers &* RowReader.scratchSize(rows)))
        let stripes = (rows.dim &+ MomentWork.stripe &- 1) / MomentWork.stripe
        ThreadPool.run(stripes, workers: workers, work) { work, worker, unit in work.run(worker, unit) }
    }

    /// The moments in compute scalars, and the sum of their squares.
    @inline(never)
    func narrowed(moments: UnsafePointer<Double>) throws(PullPushError) -> (matrix: Matrix, square: Double) {
        let matrix = Matrix(try zeroScalars(rows.dim &* rowStride), rowStride: rowStride)
        var square = 0.0
        for row in 0..<rows.dim {
            square += kernels.narrow(
                moments + row &* rows.dim, to: matrix.start + row &* rowStride &* rows.element.computeSize,
                count: rows.dim)
        }
        return (matrix, square)
    }
}

extension Totals {
    /// Σ (s − τ)² over the pairs of the push.
    ///
    /// - Parameter moments: the squared norm of the second moments
    func squaredPush(target: Double, moments: Double, ownPairs: Double) -> Double {
        let points = Double(counts.points)
        return moments - 2 * target * totalSquare + target * target * points * points - ownPairs
    }
}

/// The work on the second moments. A unit is a stripe of rows of the matrix; every unit packs all points again, block by
/// block.
private struct MomentWork {
    /// Rows in a stripe, and points in a block.
    static let stripe = 96
    static let depth = 256
    /// A product reads whole groups of `productRows` columns, and so beyond the end of the last row.
    static let packedRows = depth + 1

    let evaluation: Evaluation
    let moments: UnsafeMutablePointer<Double>
    let packed: UnsafeMutableRawPointer
    let squares: UnsafeMutableRawPointer
    let products: UnsafeMutableRawPointer
    /// For each worker's reader.
    let memory: UnsafeMutableRawPointer

    @_optimize(size)
    func run(_ worker: Int, _ unit: Int) {
        let rows = evaluation.rows
        let kernels = evaluation.kernels
        let pushed = evaluation.loss.points
        let rowStride = evaluation.rowStride
        let size = rows.element.computeSize
        let points = pushed == .all ? rows.count : rows.identityCount
        let packed = packed + worker &* Self.packedRows &* rowStride &* size
        let product = Matrix(products + worker &* Self.stripe &* rowStride &* size, rowStride: rowStride)
        let reader = evaluation.reader(memory + worker &* RowReader.scratchSize(rows))
        let first = unit &* Self.stripe
        let count = min(Self.stripe, rows.dim &- first)
        for start in stride(from: 0, to: points, by: Self.depth) {
            let block = start..<min(start &+ Self.depth, points)
            reader.packPoints(
                pushed, block, to: packed, stride: rowStride, squares: squares + worker &* Self.depth &* size)
            let columns = Matrix(packed + first &* size, rowStride: 1, columnStride: rowStride)
            kernels.multiply(
                m: count, n: rows.dim, k: block.count, columns, Matrix(packed, rowStride: rowStride), into: product,
                adding: false)
            for row in 0..<count {
                reader.states[0].features = UnsafeRawPointer(product.start + row &* rowStride &* size)
                reader.setUnit(1, of: 0)
                kernels.add(reader.states, 1, to: moments + (first &+ row) &* rows.dim, count: rows.dim)
            }
        }
    }
}
