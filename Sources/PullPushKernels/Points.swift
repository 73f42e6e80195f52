import KernelInterface

extension Rows {
    /// Calls `body` with every pushed point in `range`: its identity and which rows of it are averaged. Where all rows
    /// are pushed, points are grouped row numbers.
    @inline(__always)
    fileprivate func forEachPoint(
        _ points: PushPoints, in range: Range<Int>, _ body: (_ point: Int, Identity, _ averaged: Range<Int>) -> Void
    ) {
        let all = points == .all
        var number = all ? identityOfRow(range.lowerBound) : range.lowerBound
        var identity = identity(number)
        for point in range {
            if all {
                while point == identity.start &+ identity.count {
                    number &+= 1
                    identity = self.identity(number)
                }
            } else {
                identity = self.identity(point)
            }
            let first = all ? point &- identity.start : 0
            body(point, identity, first..<first &+ (points == .centroids ? identity.count : 1))
        }
    }
}

extension Staging {
    /// A raw row and the weight with which it enters the pushed point it is averaged into.
    @inline(never)
    fileprivate func term(
        _ identity: Identity, _ a: Int, of averaged: Range<Int>, _ slot: UnsafeMutablePointer<S>
    ) -> (row: UnsafePointer<S>, weight: S) {
        let row = row(identity.row(a), slot: slot)
        let scale = rows.normalization == .none ? 1 : RowScale(row, columns: columns, rows.normalization).scale
        return (row, S(scale / Double(averaged.count)))
    }
}

/// See `Kernels.sumPoints`.
@inline(__always)
func addPoints<S: ComputeScalar>(
    _ rows: Rows, _ points: PushPoints, _ range: Range<Int>, _ total: UnsafeMutablePointer<Double>,
    _ slot: UnsafeMutablePointer<S>
) {
    let staging = Staging<S>(rows)
    rows.forEachPoint(points, in: range) { _, identity, averaged in
        for a in averaged {
            let (row, weight) = staging.term(identity, a, of: averaged, slot)
            forEachColumns(of: staging.columns, S.self) { columns in
                let x = columns.load(row) * S.Lanes(repeating: weight)
                S.add(columns.unseen(x), to: total + columns.offset)
            }
        }
    }
}

/// See `Kernels.packPoints`.
@inline(__always)
func copyPoints<S: ComputeScalar>(
    _ rows: Rows, _ points: PushPoints, _ range: Range<Int>, _ packed: UnsafeMutablePointer<S>, _ stride: Int,
    _ squares: UnsafeMutablePointer<S>, _ slot: UnsafeMutablePointer<S>
) {
    let staging = Staging<S>(rows)
    rows.forEachPoint(points, in: range) { point, identity, averaged in
        let vector = packed + (point &- range.lowerBound) &* stride
        vector.update(repeating: 0, count: stride)
        for a in averaged {
            let (row, weight) = staging.term(identity, a, of: averaged, slot)
            forEachColumns(of: staging.columns, S.self) { columns in
                let x = columns.load(row) * S.Lanes(repeating: weight)
                columns.store(columns.load(UnsafePointer(vector)) + columns.unseen(x), vector)
            }
        }
        let square = RowScale(UnsafePointer(vector), columns: S.padded(rows.dim), .none).square
        squares[point &- range.lowerBound] = S(square)
    }
}

/// See `Kernels.firstNonFinite`.
@inline(__always)
func findNonFinite<S: ComputeScalar>(_ rows: Rows, _ range: Range<Int>, _ slot: UnsafeMutablePointer<S>) -> Int {
    let staging = Staging<S>(rows)
    for number in range {
        let row = staging.row(number, slot: slot)
        var sum = S.Lanes.zero
        // Zero times a finite number is zero; times anything else it is a NaN, which stays.
        forEachColumns(of: staging.columns, S.self) { columns in
            sum = multiplyAdd(columns.load(row), S.Lanes.zero, sum)
        }
        if S.total(sum).isNaN { return number }
    }
    return -1
}
