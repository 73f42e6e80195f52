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
    /// Calls `body` with the terms that a pushed point is the sum of: raw rows and their weights.
    @inline(__always)
    fileprivate func forEachTerm(
        _ identity: Identity, _ averaged: Range<Int>, _ slot: UnsafeMutablePointer<S>,
        _ body: (UnsafePointer<S>, _ weight: S.Lanes) -> Void
    ) {
        let share = 1 / Double(averaged.count)
        for a in averaged {
            let row = row(identity.row(a), slot: slot)
            var weight = share
            if rows.normalization != .none {
                weight *= RowScale(rows.normalization, norm: norm(row, columns: columns)).scale
            }
            body(row, S.Lanes(repeating: S(weight)))
        }
    }
}

/// See `KernelTable.sumPoints`.
@inline(__always)
func sumPoints<S: ComputeScalar>(
    _ rows: Rows, _ points: PushPoints, _ range: Range<Int>, _ total: UnsafeMutablePointer<Double>,
    _ slot: UnsafeMutablePointer<S>
) {
    let staging = Staging<S>(rows)
    rows.forEachPoint(points, in: range) { _, identity, averaged in
        staging.forEachTerm(identity, averaged, slot) { row, weight in
            forEachColumns(of: staging.columns, S.self) { columns in
                S.add(columns.unseen(columns.load(row) * weight), to: total + columns.offset)
            }
        }
    }
}

/// See `KernelTable.packPoints`.
@inline(__always)
func packPoints<S: ComputeScalar>(
    _ rows: Rows, _ points: PushPoints, _ range: Range<Int>, _ packed: UnsafeMutablePointer<S>, _ stride: Int,
    _ squares: UnsafeMutablePointer<S>, _ slot: UnsafeMutablePointer<S>
) {
    let staging = Staging<S>(rows)
    rows.forEachPoint(points, in: range) { point, identity, averaged in
        let vector = packed + (point &- range.lowerBound) &* stride
        vector.update(repeating: 0, count: stride)
        staging.forEachTerm(identity, averaged, slot) { row, weight in
            forEachColumns(of: staging.columns, S.self) { columns in
                let x = columns.unseen(columns.load(row) * weight)
                columns.store(columns.load(UnsafePointer(vector)) + x, vector)
            }
        }
        let length = norm(UnsafePointer(vector), columns: S.padded(rows.dim))
        squares[point &- range.lowerBound] = S(length * length)
    }
}

/// See `KernelTable.firstNonFinite`.
@inline(__always)
func firstNonFinite<S: ComputeScalar>(_ rows: Rows, _ range: Range<Int>, _ slot: UnsafeMutablePointer<S>) -> Int {
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
