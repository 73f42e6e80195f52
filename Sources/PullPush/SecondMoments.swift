import KernelInterface

/// The squared push by second moments. With C = Σ p pᵀ over the M pushed points, Σ (p_i·p_j)² = ‖C‖²_F over all ordered
/// pairs: O(M · dim²) time and dim × dim numbers of memory, whatever M.
extension Evaluation {
    /// Adds Σ p pᵀ of all points to `moments`, dim × dim doubles that are a symmetric matrix.
    @_optimize(size)
    func addSecondMoments(
        of points: PackedPoints, to moments: UnsafeMutablePointer<Double>
    ) throws(PullPushError) {
        let work = MomentWork(
            evaluation: self, points: points, moments: moments,
            products: try allocateScalars(workers &* MomentWork.stripe &* rowStride),
            states: try allocate(workers, of: RowState.self))
        let stripes = (rows.dim &+ MomentWork.stripe &- 1) / MomentWork.stripe
        ThreadPool.run(stripes, workers: workers, work)
        // The other half is the same.
        for row in 0..<rows.dim {
            for column in 0..<row / MomentWork.stripe &* MomentWork.stripe {
                moments[row &* rows.dim &+ column] = moments[column &* rows.dim &+ row]
            }
        }
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

/// The work on the second moments. A unit is a stripe of rows of the matrix, from its diagonal on.
private struct MomentWork: UnitWork {
    /// Rows in a stripe, and points in a block.
    static let stripe = 48
    static let depth = 256

    let evaluation: Evaluation
    let points: PackedPoints
    let moments: UnsafeMutablePointer<Double>
    let products: UnsafeMutableRawPointer
    /// Each worker's row of products.
    let states: UnsafeMutablePointer<RowState>

    @_optimize(size)
    @inline(never)
    func run(_ worker: Int, _ unit: Int) {
        let rows = evaluation.rows
        let kernels = evaluation.kernels
        let rowStride = evaluation.rowStride
        let size = rows.element.computeSize
        let product = Matrix(products + worker &* Self.stripe &* rowStride &* size, rowStride: rowStride)
        let state = states + worker
        state.pointee.setUnit(1, inDouble: rows.element.computesInDouble)
        let first = unit &* Self.stripe
        let columns = rows.dim &- first
        let count = min(Self.stripe, columns)
        for start in Steps(to: points.count, by: Self.depth) {
            let block = points.rows.from(row: start, column: first, rows.element)
            evaluation.multiply(
                Product(
                    m: count, n: columns, k: min(Self.depth, points.count &- start), block.transposed, block,
                    into: product, adding: false))
            for row in 0..<count {
                state.pointee.features = UnsafeRawPointer(product.from(row: row, rows.element).start)
                kernels.add(state, 1, to: moments + ((first &+ row) &* rows.dim &+ first), count: columns)
            }
        }
    }
}
