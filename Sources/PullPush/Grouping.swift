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
        let identityOfRow = try scratch.allocate(rows, of: UInt32.self)
        let offsets = try scratch.allocate(rows + 1, of: Int.self)
        let (identityCount, isContiguous) = try number(labels, identityOfRow, counts: offsets + 1, &scratch)

        // Turn the counts into where identities start.
        offsets[0] = 0
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
            let identity = Int(identityOfRow[r])
            order[next[identity]] = r
            next[identity] += 1
        }
        return makeRows(
            identityCount: identityCount, order: order, offsets: offsets, samplesPerId: 0, largest: largest,
            normalization)
    }

    /// Numbers the identities in the order in which they first appear, through an open-addressing hash table.
    ///
    /// - Parameter counts: room for as many numbers as there are rows; receives the rows of every identity
    /// - Returns: the number of identities, and whether the rows of each stand together.
    private func number(
        _ labels: UnsafePointer<Int64>, _ identityOfRow: UnsafeMutablePointer<UInt32>,
        counts: UnsafeMutablePointer<Int>, _ scratch: inout Scratch
    ) throws(PullPushError) -> (count: Int, isContiguous: Bool) {
        var bits = 4
        while 1 << bits < 2 * rows { bits += 1 }
        // An identity's number + 1, which is below 2³² as rows are; 0 where the slot is free.
        let table = try scratch.allocate(1 << bits, of: UInt32.self)
        memset(table, 0, MemoryLayout<UInt32>.stride << bits)
        let firstRows = try scratch.allocate(rows, of: UInt32.self)
        let mask = 1 << bits - 1
        var count = 0
        var isContiguous = true
        var identity = 0
        for r in 0..<rows {
            let label = labels[r]
            if r == 0 || label != labels[r - 1] {
                // Multiplicative hashing (Knuth, The Art of Computer Programming 3, 6.4) by 2⁶⁴ over the golden ratio.
                var slot = Int((UInt64(bitPattern: label) &* 0x9E37_79B9_7F4A_7C15) &>> UInt64(64 - bits))
                while table[slot] != 0 && labels[Int(firstRows[Int(table[slot]) - 1])] != label {
                    slot = (slot + 1) & mask
                }
                if table[slot] == 0 {
                    firstRows[count] = UInt32(truncatingIfNeeded: r)
                    counts[count] = 0
                    count += 1
                    table[slot] = UInt32(truncatingIfNeeded: count)
                } else {
                    isContiguous = false
                }
                identity = Int(table[slot]) - 1
            }
            identityOfRow[r] = UInt32(truncatingIfNeeded: identity)
            counts[identity] += 1
        }
        return (count, isContiguous)
    }
}
