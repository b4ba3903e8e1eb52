import { RegistryClient } from '../../api/registryClient';
import { Changes } from '../../api/changes';
import { Resource } from '../../api/resource';
import { AuditEntry } from '../../api/types';

/** Entries that are asked for at once. */
export const PAGE = 100;

/** Who decided what and when, the newest first: on one subject, or on all. */
export class AuditModel extends Resource<AuditEntry[]> {
  constructor(
    public subject: string,
    private _client: RegistryClient,
    changes: Changes
  ) {
    super();
    for (const kind of ['datasets', 'models', 'features', 'jobs'] as const) {
      this.follow(changes, kind);
    }
  }

  /** Whether there is more than is shown. */
  hasMore = false;

  /** Look at another subject; empty is all. */
  lookAt(subject: string): Promise<void> {
    this.subject = subject.trim();
    this._count = PAGE;
    return this.refresh();
  }

  /** Show older entries too. */
  async more(): Promise<void> {
    const shown = this.data ?? [];
    const last = shown[shown.length - 1];
    if (!last || !this.hasMore) {
      return;
    }
    this._count += PAGE;
    await this.refresh();
  }

  /** Pages below each other, each asked for by the number of the entry above it. */
  protected async load(): Promise<AuditEntry[]> {
    const entries: AuditEntry[] = [];
    let full = true;
    while (full && entries.length < this._count) {
      const page = await this._client.audit({
        subject: this.subject,
        before: entries[entries.length - 1]?.seq,
        limit: PAGE
      });
      entries.push(...page);
      full = page.length === PAGE;
    }
    this.hasMore = full;
    return entries;
  }

  protected restMs = (): number => 2_000;

  private _count = PAGE;
}
