import KernelInterface

/// The vectors that are pushed apart: rows, or means of rows.
extension RowReader {
    /// Calls `body` with every pushed point in `range`, and how many rows at hand it is the mean of: their units are their
    /// weights in it. Where all rows are pushed, points are grouped row numbers.
    @inline(__always)
    private func forEachPoint(_ points: PushPoints, in range: Range<Int>, _ body: (_ point: Int, _ count: Int) -> Void)
    {
        let all = points == .all
        var number = all ? rows.identityOfRow(range.lowerBound) : range.lowerBound
        for point in range {
            var identity = rows.identity(number)
            if all && point == identity.start &+ identity.count {
                number &+= 1
                identity = rows.identity(number)
            }
            let first = all ? point &- identity.start : 0
            let count = points == .centroids ? identity.count : 1
            for a in 0..<count {
                load(identity.row(first &+ a), at: a)
                let scale = rows.normalization == .none ? 1 : measure(a).scale
                setUnit(scale / Double(count), of: a)
            }
            body(point, count)
            if !all { number &+= 1 }
        }
    }

    /// Adds the pushed points `range` to a vector of as many doubles as dim, padded.
    func addPoints(_ points: PushPoints, _ range: Range<Int>, to total: UnsafeMutablePointer<Double>) {
        forEachPoint(points, in: range) { _, count in
            for a in 0..<count { kernels.add(states[a].features, by: unit(of: a), to: total, count: columns) }
        }
    }

    /// Writes the pushed points `range` as rows of `stride` compute scalars, zero beyond dim, and their squared norms.
    func packPoints(
        _ points: PushPoints, _ range: Range<Int>, to packed: UnsafeMutableRawPointer, stride: Int,
        squares: UnsafeMutableRawPointer
    ) {
        let size = rows.element.computeSize
        forEachPoint(points, in: range) { point, count in
            let vector = packed + (point &- range.lowerBound) &* stride &* size
            (vector + columns &* size).initializeMemory(
                as: UInt8.self, repeating: 0, count: (stride &- columns) &* size)
            var square = kernels.sumScaled(states, count, into: vector, count: columns, products: nil)
            _ = kernels.narrow(&square, to: squares + (point &- range.lowerBound) &* size, count: 1)
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
