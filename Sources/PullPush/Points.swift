import KernelInterface

/// The vectors that are pushed apart: rows, or means of rows.
extension RowReader {
    /// Makes the rows of the next few pushed points in `range` the rows at hand, measured, their units their weights in
    /// their point, of which each has equally many. Where all rows are pushed, points are grouped row numbers.
    @inline(never)
    private func loadPoints(_ points: PushPoints, _ range: Range<Int>) -> (points: Range<Int>, rowsOfPoint: Int) {
        let first = range.lowerBound
        var end = min(first &+ Self.fewRows, range.upperBound)
        var count = 1
        switch points {
        case .representatives:
            for point in first..<end { load(rows.identity(point).row(0), at: point &- first) }
        case .centroids:
            let identity = rows.identity(first)
            count = identity.count
            for a in 0..<count { load(identity.row(a), at: a) }
            end = first &+ 1
        case .all:
            var number = rows.identityOfRow(first)
            for point in first..<end {
                if point == rows.identity(number).start &+ rows.identity(number).count { number &+= 1 }
                let identity = rows.identity(number)
                load(identity.row(point &- identity.start), at: point &- first)
            }
        }
        weigh((end &- first) &* count, by: 1 / Double(count))
        return (first..<end, count)
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

    /// Adds the pushed points `range`, of which there is at least one, to a vector of as many doubles as dim, padded.
    @inline(never)
    func addPoints(_ points: PushPoints, _ range: Range<Int>, to total: UnsafeMutablePointer<Double>) {
        var next = range.lowerBound
        repeat {
            let group = loadPoints(points, next..<range.upperBound)
            add(group.points.count &* group.rowsOfPoint, to: total)
            next = group.points.upperBound
            next &+= kernels.addPoints(points, groupedRows, next..<range.upperBound, to: total)
        } while next < range.upperBound
    }

    /// Writes the pushed points `range`.
    func packPoints(_ points: PushPoints, _ range: Range<Int>, to packed: PackedPoints) {
        let size = rows.element.computeSize
        let rowBytes = packed.rows.rowStride &* size
        let end = rowBytes &- rows.element.lanes &* size
        var next = range.lowerBound
        while next < range.upperBound {
            let group = loadPoints(points, next..<range.upperBound)
            for point in group.points {
                var one = 1.0
                let vector = packed.rows.start + point &* rowBytes
                rows.element.clear(vector, from: columns, to: packed.rows.rowStride)
                _ = kernels.narrow(&one, to: vector + end, count: 1)
                var square = writePoint((point &- next) &* group.rowsOfPoint, group.rowsOfPoint, to: vector)
                _ = kernels.narrow(&square, to: packed.squares + point &* size, count: 1)
            }
            next = group.points.upperBound
        }
    }

    /// Writes the point that some of the rows at hand make, and returns its squared norm.
    private func writePoint(_ first: Int, _ count: Int, to vector: UnsafeMutableRawPointer) -> Double {
        // Several rows are all there are at hand.
        if count > 1 { return sumScaled(count, into: vector) }
        let unit = states[first].unit(inDouble: rows.element.computesInDouble)
        kernels.scale(states[first].features, by: unit, into: vector, count: columns)
        return dot(vector, vector)
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

extension Kernels {
    /// Adds some of the pushed points `range` that need no rows at hand; returns how many.
    @inline(__always)
    func addPoints(
        _ points: PushPoints, _ rows: UnsafePointer<Rows>, _ range: Range<Int>, to total: UnsafeMutablePointer<Double>
    ) -> Int {
        points == .representatives && rows.pointee.isDirect ? addFirstRows(rows, of: range, to: total) : 0
    }
}
