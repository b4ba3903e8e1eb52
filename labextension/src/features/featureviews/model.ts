import { Changes } from '../../api/changes';
import { NamedModel } from '../../api/names';
import { RegistryClient } from '../../api/registryClient';
import { FeatureView, FeatureViewVersion } from '../../api/types';

/** One feature view, with the lineage of the version that is looked at. */
export class FeatureViewModel extends NamedModel<FeatureViewVersion, FeatureView> {
  constructor(name: string, client: RegistryClient, changes: Changes) {
    super('view', name, client);
    this.follow(changes, 'features', id => id === this.name);
    this.follow(changes, 'datasets');
  }

  protected async load(): Promise<FeatureView> {
    const view = await this.client.feature(this.name);
    const version = this.selectedOf(view)?.version;
    if (version) {
      await this.readLineage(version);
    }
    return view;
  }
}
