import KernelInterface

/// The vectors that are pushed apart: rows, or means of rows.
extension RowReader {
    /// Makes the rows of pushed points in `range` the rows at hand, measured, their units their weights in their point,
    /// and calls `body` with the points, each of which has equally many of the rows. Where all rows are pushed, points
    /// are grouped row numbers.
    @inline(__always)
    private func forEachGroup(
        _ points: PushPoints, in range: Range<Int>, _ body: (_ points: Range<Int>, _ rowsOfPoint: Int) -> Void
    ) {
        var number = points == .all ? rows.identityOfRow(range.lowerBound) : 0
        var next = range.lowerBound
        while next < range.upperBound {
            let first = next
            var count = 1
            let end = min(first &+ Self.fewRows, range.upperBound)
            switch points {
            case .representatives:
                for point in first..<end { load(rows.identity(point).row(0), at: point &- first) }
                next = end
            case .centroids:
                let identity = rows.identity(next)
                count = identity.count
                for a in 0..<count { load(identity.row(a), at: a) }
                next &+= 1
            case .all:
                while next < end {
                    if next == rows.identity(number).start &+ rows.identity(number).count { number &+= 1 }
                    let identity = rows.identity(number)
                    load(identity.row(next &- identity.start), at: next &- first)
                    next &+= 1
                }
            }
            let rowCount = (next &- first) &* count
            weigh(rowCount, by: 1 / Double(count))
            body(first..<next, count)
        }
    }

    /// Sets units to scales times a weight.
    private func weigh(_ count: Int, by weight: Double) {
        if rows.normalization == .none {
            for a in 0..<count { setUnit(weight, of: a) }
        } else {
            _ = measure(count)
            if weight != 1 { for a in 0..<count { setUnit(states[a].scale.scale * weight, of: a) } }
        }
    }

    /// Adds the pushed points `range` to a vector of as many doubles as dim, padded.
    @inline(never)
    func addPoints(_ points: PushPoints, _ range: Range<Int>, to total: UnsafeMutablePointer<Double>) {
        forEachGroup(points, in: range) { points, rowsOfPoint in
            // The rounding of a sum in the compute type grows with its length.
            let rowCount = points.count &* rowsOfPoint
            for a in stride(from: 0, to: rowCount, by: Self.fewRows) {
                kernels.add(states + a, min(Self.fewRows, rowCount &- a), to: total, count: columns)
            }
        }
    }

    /// Writes the pushed points `range`.
    func packPoints(_ points: PushPoints, _ range: Range<Int>, to packed: PackedPoints) {
        let size = rows.element.computeSize
        let rowBytes = packed.rows.rowStride &* size
        let end = rowBytes &- rows.element.lanes &* size
        forEachGroup(points, in: range) { points, rowsOfPoint in
            for point in points {
                var one = 1.0
                let vector = packed.rows.start + point &* rowBytes
                (vector + columns &* size).initializeMemory(
                    as: UInt8.self, repeating: 0, count: rowBytes &- columns &* size)
                _ = kernels.narrow(&one, to: vector + end, count: 1)
                var square = kernels.sumScaled(
                    states + (point &- points.lowerBound) &* rowsOfPoint, rowsOfPoint, into: vector, count: columns,
                    products: nil)
                _ = kernels.narrow(&square, to: packed.squares + point &* size, count: 1)
            }
        }
    }

    /// The batch number of the first row in `range` that holds a NaN or an infinity, or -1.
    func firstNonFinite(_ range: Range<Int>) -> Int {
        for number in range {
            load(number, at: 0)
            if !isFinite(0) { return number }
        }
        return -1
    }
}
