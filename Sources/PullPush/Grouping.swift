import CSystem
import KernelInterface

extension Batch {
    /// The rows, identity after identity, in the order in which identities first appear.
    ///
    /// Complexity: O(1) for a P×K batch; O(rows) time and scratch for labels.
    func grouped(_ normalization: Normalization, _ scratch: inout Scratch) throws(PullPushError) -> Rows {
        switch identities {
        case .samplesPerId(let count):
            return try contiguous(samplesPerId: count, normalization, &scratch)
        case .labels(let labels):
            return try grouped(by: labels, normalization, &scratch)
        }
    }

    private func contiguous(
        samplesPerId count: Int, _ normalization: Normalization, _ scratch: inout Scratch
    ) throws(PullPushError) -> Rows {
        let order = try scratch.allocate(count, of: Int.self)
        for a in 0..<count { order[a] = a }
        return makeRows(
            identityCount: rows / count, order: order, offsets: nil, samplesPerId: count, largest: count, normalization)
    }

    private func makeRows(
        identityCount: Int, order: UnsafePointer<Int>, offsets: UnsafePointer<Int>?, samplesPerId: Int, largest: Int,
        _ normalization: Normalization
    ) -> Rows {
        Rows(
            features: features, element: element, stride: rowStride, count: rows, dim: dim,
            identityCount: identityCount, order: order, offsets: offsets, samplesPerId: samplesPerId,
            largestIdentity: largest, normalization: normalization)
    }

    private func grouped(
        by labels: UnsafePointer<Int64>, _ normalization: Normalization, _ scratch: inout Scratch
    ) throws(PullPushError) -> Rows {
        let identityOfRow = try scratch.allocate(rows, of: Int.self)
        let offsets = try scratch.allocate(rows + 1, of: Int.self)
        let (identityCount, isContiguous) = try number(labels, identityOfRow, firstRows: offsets, &scratch)

        // Count, then turn the counts into where identities start.
        for c in 0...identityCount { offsets[c] = 0 }
        for r in 0..<rows { offsets[identityOfRow[r] + 1] += 1 }
        var smallest = rows
        var largest = 0
        for c in 0..<identityCount {
            smallest = min(smallest, offsets[c + 1])
            largest = max(largest, offsets[c + 1])
            offsets[c + 1] += offsets[c]
        }
        if isContiguous && smallest == largest {
            return try contiguous(samplesPerId: largest, normalization, &scratch)
        }
        let order = try scratch.allocate(rows, of: Int.self)
        let next = try scratch.allocate(identityCount, of: Int.self)
        for c in 0..<identityCount { next[c] = offsets[c] }
        for r in 0..<rows {
            let identity = identityOfRow[r]
            order[next[identity]] = r
            next[identity] += 1
        }
        return makeRows(
            identityCount: identityCount, order: order, offsets: offsets, samplesPerId: 0, largest: largest,
            normalization)
    }

    /// Numbers the identities in the order in which they first appear, through an open-addressing hash table.
    ///
    /// - Parameter firstRows: room for the first row of every identity.
    /// - Returns: the number of identities, and whether the rows of each stand together.
    private func number(
        _ labels: UnsafePointer<Int64>, _ identityOfRow: UnsafeMutablePointer<Int>,
        firstRows: UnsafeMutablePointer<Int>, _ scratch: inout Scratch
    ) throws(PullPushError) -> (count: Int, isContiguous: Bool) {
        var slots = 16
        while slots < 2 * rows { slots *= 2 }
        // An identity's number + 1; 0 where the slot is free.
        let table = try scratch.allocate(slots, of: Int.self)
        memset(table, 0, slots * MemoryLayout<Int>.stride)
        var count = 0
        var isContiguous = true
        for r in 0..<rows {
            if r > 0 && labels[r] == labels[r - 1] {
                identityOfRow[r] = identityOfRow[r - 1]
                continue
            }
            var slot = Int(truncatingIfNeeded: hash(labels[r])) & (slots - 1)
            while table[slot] != 0 && labels[firstRows[table[slot] - 1]] != labels[r] {
                slot = (slot + 1) & (slots - 1)
            }
            if table[slot] == 0 {
                firstRows[count] = r
                count += 1
                table[slot] = count
            } else {
                isContiguous = false
            }
            identityOfRow[r] = table[slot] - 1
        }
        return (count, isContiguous)
    }
}

/// The finaliser of SplitMix64 (Steele, Lea, Flood 2014): every bit of the label moves every bit of the hash.
private func hash(_ label: Int64) -> UInt64 {
    var z = UInt64(bitPattern: label) &+ 0x9E37_79B9_7F4A_7C15
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
}
